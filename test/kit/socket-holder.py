"""Listens on sockets and passes them to a command, as systemd does (sd_listen_fds(3)), also while the command restarts.

usage: socket-holder.py '[{"name": "clients", "host": "127.0.0.1", "port": 0}, ...]' COMMAND [ARGUMENT...]

Prints the ports first, as a JSON list. A line on standard input ends the command with SIGTERM and starts it again. The
end of the input ends it for good; then, or when the command ends by itself, this ends with its exit code. LISTEN_PID is
that of the command unless the environment says another.
"""

import json, os, signal, socket, sys

FIRST_FD = 3
sockets = []
for each in json.loads(sys.argv[1]):
    family = socket.AF_INET6 if ":" in each["host"] else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((each["host"], each["port"]))
    if each.get("listens", True):
        held.listen(4096)
    sockets.append((each["name"], held))
print(json.dumps([held.getsockname()[1] for _, held in sockets]), flush=True)


def start():
    pid = os.fork()
    if pid != 0:
        return pid
    # Above those that the command gets, so that no copy overwrites one that is still to be copied.
    high = [os.dup2(held.fileno(), 100 + at, inheritable=False) for at, (_, held) in enumerate(sockets)]
    for at, fd in enumerate(high):
        os.dup2(fd, FIRST_FD + at, inheritable=True)
    os.environ.setdefault("LISTEN_PID", str(os.getpid()))
    os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=":".join(name for name, _ in sockets))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.execvp(sys.argv[2], sys.argv[2:])


def end():
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ended(*_):
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def begin():
    global child
    # Both at once: a command that ends at once must not end unseen.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    child = start()
    signal.signal(signal.SIGCHLD, ended)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


begin()
for line in sys.stdin:
    end()
    begin()
sys.exit(end())
