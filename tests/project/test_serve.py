"""`serve` says in one sentence why it cannot start, and keeps its processes alive once it has."""

import os
import socket
import stat
import sys

import pytest

from project import processes, serve

pytestmark = pytest.mark.unit


def test_a_second_server_on_the_same_data_is_refused(tmp_path):
    says = rf"already runs on the data folder {tmp_path} \(process {os.getpid()}, port 8000\)"
    with serve.sole_server(tmp_path, 8000), pytest.raises(serve.Refused, match=says):
        serve.sole_server(tmp_path, 8001).__enter__()
    with serve.sole_server(tmp_path, 8001):
        pass


def test_a_port_in_use_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(serve.Refused, match=rf"Port {port} on 127.0.0.1 cannot be used: .*PORT=8001"):
            serve.listening("127.0.0.1", port).__enter__()


def test_web_processes_have_a_socket_each_on_one_port():
    with serve.listening("127.0.0.1", 0, 2) as (one, other):
        assert one.getsockname() == other.getsockname()
        assert one.get_inheritable()
        port = one.getsockname()[1]
        with pytest.raises(serve.Refused, match=f"Port {port}"):
            serve.listening("127.0.0.1", port, 2).__enter__()


@pytest.mark.parametrize("count", ["0", "65", "-1"])
def test_a_number_of_web_processes_that_cannot_be(count, capsys):
    with pytest.raises(SystemExit):
        serve.parse(["--web", count])
    assert "--web takes a number from 1 to 64" in capsys.readouterr().err


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_that_cannot_be(port):
    with pytest.raises(serve.Refused, match=f"Port {port}"):
        serve.listening("127.0.0.1", port).__enter__()


def test_the_secret_is_kept_and_nobody_else_may_read_it(tmp_path):
    data = serve.prepare_folder(tmp_path / "new" / "data")
    secret = (data / "secret-key").read_text()
    assert len(secret) > 50
    assert stat.S_IMODE((data / "secret-key").stat().st_mode) == 0o600
    serve.prepare_folder(data)
    assert (data / "secret-key").read_text() == secret


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(serve.Refused, match="cannot be written to"):
        serve.prepare_folder(file / "data")


def test_a_refusal_is_one_line_and_a_failing_status(tmp_path, capsys):
    with serve.sole_server(tmp_path, 1):
        assert serve.main(["--data", str(tmp_path), "--port", "0"]) == 1
    assert capsys.readouterr().out.startswith("Askwell already runs")


def test_a_nursery_that_cannot_be_prepared_ends_the_start(tmp_path, capsys):
    child = processes.Program("nursery", command=[sys.executable, "-c", f"raise SystemExit({serve.REFUSED})"])
    with pytest.raises(serve.Refused, match="could not be prepared"):
        serve.watch(child, "http://127.0.0.1:9", None)
    assert capsys.readouterr().out == ""
    assert not child.running


def test_the_nursery_is_given_every_socket():
    with serve.listening("127.0.0.1", 0, 2) as listeners:
        child = serve.nursery(listeners)
    assert [option for option in child.command if option.isdecimal()] == [str(fd) for fd in child.descriptors]
    assert len(child.descriptors) == 2
