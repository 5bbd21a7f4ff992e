"""The embedded PostgreSQL: one owner, no orphan, from any folder, as any user."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from payvand.settlement import postgres
from payvand.settlement.errors import DatabaseUnavailable
from payvand.settlement.postgres import EmbeddedPostgres

WAIT_S_MAX = 30.0
AS_ROOT = os.geteuid() == 0
SERVER_UID = pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.getuid()

OWNER = """
import sys, time
from pathlib import Path
from payvand.settlement.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.pid, server.dsn, flush=True)
time.sleep(600)
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that every user reaches; pytest's own are private."""
    path = Path(tempfile.mkdtemp(prefix="payvand-tests-", dir="/var/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """Make a server's files once: that takes most of the time of a first start."""
    with open_folder() as path:
        with EmbeddedPostgres(path):
            pass
        yield path


@pytest.fixture
def folder(prepared: Path) -> Iterator[Path]:
    """Give a data folder whose server ran before."""
    with open_folder() as path:
        subprocess.run(["cp", "-a", f"{prepared}/.", str(path)], check=True)
        yield path


@pytest.fixture
def fresh() -> Iterator[Path]:
    """Give an empty data folder."""
    with open_folder() as path:
        yield path


def ask(dsn: str, query: str = "SELECT 1") -> object:
    async def go() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(go())


def alive(pid: int) -> bool:
    """Tell whether a process runs; an unreaped one doesn't."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} doesn't end"
        time.sleep(0.02)


def launch_owner(folder: Path) -> tuple["subprocess.Popen[str]", int, str]:
    """Start another process that owns a server; return it, the server's pid and the dsn."""
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    pid, dsn = owner.stdout.readline().split()
    return owner, int(pid), dsn


def test_it_starts_answers_and_stops_and_keeps_what_it_was_told(fresh: Path) -> None:
    server = EmbeddedPostgres(fresh)
    assert (server.running, server.pid) == (False, 0)
    with server:
        first = server.pid
        assert server.running
        asyncio.run(_create(server.dsn))
        server.start()  # once more changes nothing
        assert server.pid == first
    wait_for_end(first)
    server.stop()  # once more, too
    with server:
        assert server.pid != first
        assert ask(server.dsn, "SELECT count(*) FROM kept") == 3


async def _create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 3)")
    await connection.close()


def test_it_is_durable_and_has_no_way_in_but_its_socket(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert ask(server.dsn, f"SHOW {setting}") == "on"
        assert ask(server.dsn, "SHOW listen_addresses") == ""
        assert (server.home / "socket").stat().st_mode & 0o777 == 0o700
        assert server.home.stat().st_mode & 0o777 == 0o700


def test_it_runs_as_nobody_for_root_and_else_as_who_we_are(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == SERVER_UID
        assert server.home.stat().st_uid == SERVER_UID


def test_a_second_owner_is_refused_and_harms_nothing(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        with pytest.raises(DatabaseUnavailable, match="another process uses the database") as fault:
            EmbeddedPostgres(folder).start()
        assert "stop the other switch" in fault.value.hint
        assert ask(server.dsn) == 1
    with EmbeddedPostgres(folder) as again:
        assert ask(again.dsn) == 1


def test_another_process_may_join_the_server_and_leaves_it_to_its_owner(folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="no database runs in"):
        EmbeddedPostgres(folder).join()
    owner, pid, dsn = launch_owner(folder)
    assert EmbeddedPostgres(folder).join() == dsn
    assert ask(EmbeddedPostgres(folder).join()) == 1
    assert alive(pid)
    owner.kill()
    owner.wait()
    wait_for_end(pid)


def test_the_server_ends_with_its_owner_however_that_dies(folder: Path) -> None:
    owner, pid, dsn = launch_owner(folder)
    assert ask(dsn) == 1
    owner.kill()
    owner.wait()
    wait_for_end(pid)
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn) == 1


def test_an_orphan_is_stopped_before_the_next_start(folder: Path) -> None:
    """Owner and supervisor die together, as when a container's memory runs out."""
    owner, pid, _ = launch_owner(folder)
    supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGSTOP)  # so that it can't act on its owner's end
    owner.kill()
    owner.wait()
    os.kill(supervisor, signal.SIGKILL)
    assert alive(pid)
    with EmbeddedPostgres(folder) as server:
        assert not alive(pid)
        assert ask(server.dsn) == 1


def test_a_pid_file_that_names_another_program_does_not_mislead_it(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        pid_file = server.home / "cluster" / "postmaster.pid"
        words = pid_file.read_text()
    pid_file.write_text(words.replace(words.split("\n")[0], str(os.getpid()), 1))
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn) == 1


def test_a_half_made_cluster_is_made_again(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with server:
        pass
    shutil.rmtree(server.home / "cluster")
    (server.home / "cluster.new").mkdir()
    (server.home / "cluster.new" / "half").write_text("made")
    with server:
        assert ask(server.dsn) == 1


def test_a_folder_that_its_user_does_not_reach_has_its_home_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "data"
    server = EmbeddedPostgres(folder)
    try:
        with server:
            assert server.home.is_relative_to("/var/tmp" if AS_ROOT else folder)
            assert ask(server.dsn) == 1
        with EmbeddedPostgres(folder) as again:
            assert again.home == server.home
    finally:
        shutil.rmtree(server.home)


def test_a_home_that_others_may_enter_or_own_is_refused(fresh: Path) -> None:
    (fresh / "postgres").mkdir(mode=0o755)
    with pytest.raises(DatabaseUnavailable, match="isn't a private folder of user"):
        EmbeddedPostgres(fresh).start()
    if AS_ROOT:
        (fresh / "postgres").chmod(0o700)
        with pytest.raises(DatabaseUnavailable, match="isn't a private folder of user"):
            EmbeddedPostgres(fresh).start()


def test_a_long_path_has_its_socket_elsewhere(fresh: Path) -> None:
    deep = fresh / ("a" * 60) / ("b" * 60)
    with EmbeddedPostgres(deep) as server:
        assert ask(server.dsn) == 1
        sockets = Path(server.dsn.partition("host=")[2].partition("&")[0])
        assert sockets.is_relative_to("/var/tmp")
        assert not sockets.is_relative_to(deep)
    shutil.rmtree(sockets)


def test_binaries_that_its_user_does_not_reach_are_copied_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment may be in root's home folder; then the binaries go where all may read."""
    package, binaries = postgres._installed()
    with open_folder() as private, open_folder() as shared:
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, private / name, symlinks=True)
        private.chmod(0o700)
        moved = private / package.name
        found = (moved, moved / binaries.relative_to(package))
        monkeypatch.setattr(postgres, "_installed", lambda: found)
        monkeypatch.setattr(postgres, "SHARED", shared)
        with EmbeddedPostgres(folder) as server:
            program = Path(f"/proc/{server.pid}/exe").readlink()
            assert program.is_relative_to(shared if AS_ROOT else private)
            assert ask(server.dsn) == 1
        made = [entry.stat().st_mtime_ns for entry in shared.iterdir()]
        assert len(made) == AS_ROOT
        with EmbeddedPostgres(folder) as server:
            assert ask(server.dsn) == 1
        assert [entry.stat().st_mtime_ns for entry in shared.iterdir()] == made


def test_who_is_not_root_runs_it_as_itself(fresh: Path) -> None:
    """A process without root's rights starts the server, all the way from nothing."""
    nobody = pwd.getpwnam("nobody")
    if AS_ROOT:
        os.chown(fresh, nobody.pw_uid, nobody.pw_gid)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir("/")
            if AS_ROOT:
                os.setgroups([])
                os.setgid(nobody.pw_gid)
                os.setuid(nobody.pw_uid)
            with EmbeddedPostgres(fresh) as server:
                own = Path(f"/proc/{server.pid}").stat().st_uid == os.getuid()
                code = 0 if own and ask(server.dsn) == 1 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_database_that_does_not_start_says_its_last_words(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        control = server.home / "cluster" / "global" / "pg_control"
    control.write_bytes(b"")
    with pytest.raises(
        DatabaseUnavailable, match=r"PostgreSQL didn't start: .*pg_control"
    ) as fault:
        EmbeddedPostgres(folder).start()
    assert "postgres.log" in fault.value.hint
