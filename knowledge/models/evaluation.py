"""Questions with what they should find, and what came of asking them."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.documents import FINISHED
from tenants.models import TenantOwned


class EvaluationSet(TenantOwned):
    """Questions that belong together."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    nightly = models.BooleanField(
        _("every night"), default=False, help_text=_("Ask the questions every night, so that the history grows.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="one_evaluation_set_per_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EvaluationCase(TenantOwned):
    """One question.

    Attributes:
        expected: what should be found, a list of {document, quote, relevance}: the document's external id, words
            that its passage holds (empty: any passage of it will do), and how relevant it is (1 where missing).
        expected_answer: optionally what a good answer says.
        source: the reply it was taken from, if it was.
    """

    set = models.ForeignKey(EvaluationSet, on_delete=models.CASCADE, related_name="cases")
    question = models.TextField()
    expected = models.JSONField(default=list, blank=True)
    expected_answer = models.TextField(blank=True)
    note = models.TextField(blank=True)
    enabled = models.BooleanField(default=True)
    source = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("question")
        constraints = [models.UniqueConstraint(fields=["set", "source"], name="one_case_per_reply_and_set")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.question[:80]


class EvaluationRun(TenantOwned):
    """A set asked once, of the knowledge as it was or of a candidate.

    Attributes:
        candidate: what differs from what serves: {} for nothing, else keys of embedding, weights, prompt, drafts.
        metrics: mean by measure; intervals: [low, high] of 95 % by measure; latency: p50 and p95 in milliseconds.
        counts: questions that were "asked", "left_out" (none of their documents can be found), had an answer that
            "failed".
        note: what somebody should know of it, such as that it fell.
    """

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    IN_WORK = (State.QUEUED, State.RUNNING)

    set = models.ForeignKey(EvaluationSet, on_delete=models.CASCADE, related_name="runs")
    label = models.CharField(max_length=120, blank=True)
    candidate = models.JSONField(default=dict, blank=True)
    with_answers = models.BooleanField(default=False, help_text=_("Ask for answers, too, and judge them."))
    knowledge_version = models.BigIntegerField(default=0, editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED, editable=False)
    progress = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(FINISHED)], editable=False)
    error = models.TextField(blank=True, editable=False)
    metrics = models.JSONField(default=dict, editable=False)
    intervals = models.JSONField(default=dict, editable=False)
    latency = models.JSONField(default=dict, editable=False)
    counts = models.JSONField(default=dict, editable=False)
    note = models.TextField(blank=True, editable=False)
    scheduled = models.BooleanField(default=False, editable=False)
    started_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["set", "-created_at"], name="run_by_set")]

    def __str__(self) -> str:
        return self.label or f"{self.set}, {self.created_at:%d %b %Y %H:%M}"


class EvaluationResult(TenantOwned):
    """What one case found in one run.

    Attributes:
        ranking: a list of {document, chunk, score}, best first.
        measures: value by measure; empty where none of the documents that it should find can be found.
        answer_measures: likewise; those of a model's judgement begin with "model:".
        missing: ids of expected documents that could not be found by anybody.
        failed: why there is no answer, or no judgement of it.
    """

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="results")
    case = models.ForeignKey(EvaluationCase, on_delete=models.CASCADE, related_name="results")
    ranking = models.JSONField(default=list)
    measures = models.JSONField(default=dict)
    answer = models.TextField(blank=True)
    answer_measures = models.JSONField(default=dict)
    missing = models.JSONField(default=list)
    failed = models.TextField(blank=True)
    ms = models.FloatField(default=0.0)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["run", "case"], name="one_result_per_case_and_run")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.case_id}"


class ReleaseGate(TenantOwned):
    """One row a tenant: what a change must not make worse before it goes live."""

    enabled = models.BooleanField(default=False, help_text=_("Changes wait until the set below has been asked."))
    set = models.ForeignKey(EvaluationSet, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    tolerance = models.FloatField(
        default=0.02,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("How much each measure may fall: .02 is two questions in a hundred."),
    )

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("release gate")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_release_gate_per_tenant")]

    def __str__(self) -> str:
        return str(_("Release gate"))


class Release(TenantOwned):
    """A change on its way: it goes live when the tenant's set does not get worse by more than the tolerance.

    Attributes:
        change: what goes live: {documents: [ids of versions]}, {prompt: id}, {embedding: name} or {weights: {…}}.
        reasons: sentences that say why it waits.
        basis: a digest of all that the baseline was measured on; the next release of the same basis uses it again.
        rounds: how often its questions were begun since somebody last asked for the check.
    """

    class State(models.TextChoices):
        """How far it is."""

        CHECKING = "checking", _("Being checked")
        LIVE = "live", _("Live")
        HELD = "held", _("Held back")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        FAILED = "failed", _("Could not be checked")

    #: States in which the change is still to come.
    UNDECIDED = (State.CHECKING, State.HELD, State.FAILED)

    label = models.CharField(max_length=200)
    change = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CHECKING)
    reasons = models.JSONField(default=list)
    baseline = models.ForeignKey(EvaluationRun, on_delete=models.SET_NULL, null=True, related_name="+")
    candidate = models.ForeignKey(EvaluationRun, on_delete=models.SET_NULL, null=True, related_name="+")
    basis = models.CharField(max_length=64, blank=True)
    rounds = models.PositiveSmallIntegerField(default=0)
    requested_by = models.CharField(max_length=150, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.label
