"""Addresses below /<slug>/."""

from django.urls import path

from chat import cache_review, costs, inbox, review, review_evaluation, views

app_name = "chat"
urlpatterns = [
    path("", views.home, name="home"),
    path("c/<uuid:pk>/", views.conversation, name="conversation"),
    path("c/<uuid:pk>/earlier/", views.earlier, name="earlier"),
    path("c/<uuid:pk>/rename/", views.rename, name="rename"),
    path("c/<uuid:pk>/delete/", views.delete, name="delete"),
    path("conversations/", views.conversations, name="conversations"),
    path("messages/<uuid:pk>/", views.message, name="message"),
    path("messages/<uuid:pk>/sources/<int:n>/", views.source, name="source"),
    path("actions/<uuid:pk>/", views.action, name="action"),
    path("documents/<int:pk>/", views.document, name="document"),
    path("theme.css", views.theme, name="theme"),
    path("c/<uuid:pk>/handover/", views.handover, name="handover"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/list/", inbox.listed, name="inbox-list"),
    path("inbox/<uuid:pk>/", inbox.conversation, name="inbox-conversation"),
    path("inbox/<uuid:pk>/live/", inbox.live, name="inbox-live"),
    path("inbox/<uuid:pk>/earlier/", inbox.earlier, name="inbox-earlier"),
    path("inbox/<uuid:pk>/<slug:what>/", inbox.act, name="inbox-act"),
    path("costs/", costs.costs, name="costs"),
    path("costs/costs.csv", costs.download, name="costs-csv"),
    path("review/", review.queue, name="review"),
    path("review/<uuid:pk>/", review.reply, name="review-reply"),
    path("review/<uuid:pk>/cache/", cache_review.judge, name="review-cache"),
    path("review/<uuid:pk>/evaluation/", review_evaluation.add, name="review-evaluation"),
    path("review/<uuid:pk>/conversation/", review.conversation, name="review-conversation"),
]
