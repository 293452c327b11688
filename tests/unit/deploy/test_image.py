"""The image and the compose file, as linters and we want them; each rule seen to refuse what breaks it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
LINT = PROJECT / "deploy" / "docker" / "lint.sh"
DOCKERFILE = (PROJECT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
PINNED = re.compile(r"[a-z/]+:\d+\.\d+\.\d+(-[a-z-]+)?")
SECRET = re.compile("(?i)password|secret|token|key|_url")
INSTALLING = re.compile("pip install|npm|apt-get|curl|wget")

UNLINTED = {
    "whatever is newest": ("FROM python:3.11.13-slim-bookworm\n", "FROM python\n", "DL3006"),
    "latest": ("FROM node:22.16.0-bookworm-slim", "FROM node:latest", "DL3007"),
    "root": ("USER 10001:10001", "USER root", "DL3002"),
    "ADD": ("COPY requirements/run.txt", "ADD requirements/run.txt", "DL3020"),
    "a command for a shell": ('CMD ["--help"]', "CMD --help", "DL3025"),
    "another registry": ("FROM node:22", "FROM example.org/node:22", "DL3026"),
    "a cache left behind": ("pip install --no-cache-dir", "pip install", "DL3042"),
    "a word not quoted": ("RUN npm run build", "RUN cp $SOURCE /tmp", "SC2086"),
    "no Dockerfile": ("WORKDIR /app\nUSER", "WORKDIRECTORY /app\nUSER", "Dockerfile:35"),
}
INVALID = {
    "a misspelt key": ("    networks: [bus]\n", "    network: [bus]\n", "'network' was unexpected"),
    "no list of services": ("\nservices:\n", "\nservices: []\nx-others:\n", "not of type 'object'"),
}
UNSAFE = {
    "CL-0001": ("- grafana:/var", "- /var/run/docker.sock:/s\n      - grafana:/var"),
    "CL-0002": ("    command: [serve, cop]", "    privileged: true\n    command: [serve, cop]"),
    "CL-0003": ("  security_opt: [no-new-privileges:true]\n", ""),
    "CL-0004": ("image: rabbitmq:3.13.7", "image: rabbitmq"),
    "CL-0005": ("- 127.0.0.1:${PROMETHEUS_PORT:-9090}:9090", "- 9090:9090"),
    "CL-0006": ("  cap_drop: [ALL]\n", ""),
    "CL-0007": ("  read_only: true\n", ""),
    "CL-0018": ("user: grafana", "user: root"),
    "CL-0020": ("PASSWORD_FILE: /run/secrets/superuser-password", "PASSWORD: sesame"),
}
UNWANTED = {
    "one stage fewer": ("AS packages", "AS frontend", "stages"),
    "not pinned": ("FROM node:22.16.0-", "FROM node:22-", "pinned"),
    "root at the end": ("USER 10001:10001\n", "", "root"),
    "a name that may be root's": ("USER 10001:10001", "USER medtown", "root"),
    "no health": ("HEALTHCHECK", "# HEALTHCHECK", "health"),
    "a shell between": ('ENTRYPOINT ["medtown"]', "ENTRYPOINT medtown", "shell"),
    "installing in the image": ("STOPSIGNAL", "RUN pip install x\nSTOPSIGNAL", "installs"),
    "a file from the network": ("STOPSIGNAL", "ADD https://example.org/x /x\nSTOPSIGNAL", "ADD"),
    "a secret for everybody": ("WORKDIR /app\nUSER", "ENV ADMIN_PASSWORD=sesame\nUSER", "secret"),
    "a secret asked for": ("STOPSIGNAL", "ARG TOKEN\nSTOPSIGNAL", "secret"),
    "code that its process can change": ("COPY --from=packages /app", "COPY --chown=10001 /app", "changed"),
    "a source that is not there": ("COPY shared shared", "COPY common shared", "there"),
    "packages not hashed": ("--require-hashes ", "", "hashes"),
}


def said(name: str, text: str, folder: Path) -> str:
    """What the linters say of a file; empty when they find nothing."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([LINT, file], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout + done.stderr if done.returncode else ""


def broken(text: str, old: str, new: str) -> str:
    """A copy in which `old` is `new` at its first place."""
    assert old in text
    return text.replace(old, new, 1)


def faults(dockerfile: str) -> Iterator[str]:
    """What linters do not ask, or not of every stage."""
    lines = [line for line in re.sub(r"\\\n\s*", "", dockerfile).splitlines() if line and line[0] != "#"]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    last = lines[starts[-1] :]
    if len({lines[start].partition(" AS ")[2] for start in starts}) != 3:
        yield "three stages: the front end, the packages, the image"
    if not all(PINNED.fullmatch(lines[start].split()[1]) for start in starts):
        yield "every image pinned to a version"
    if [line for line in last if line.startswith("USER ")] != ["USER 10001:10001"]:
        yield "not root, by number"
    if not any(line.startswith("HEALTHCHECK ") for line in last):
        yield "health"
    if not all("[" in line for line in last if line.startswith(("CMD ", "ENTRYPOINT ", "HEALTHCHECK "))):
        yield "no shell between the engine and the process, which would keep signals from it"
    if any(INSTALLING.search(line) for line in last):
        yield "installs nothing in the last stage"
    if any(line.startswith("ADD ") for line in lines):
        yield "no ADD"
    if any(line.startswith(("ENV ", "ARG ")) and SECRET.search(line) for line in lines):
        yield "no secret in the image"
    if any("--chown" in line for line in last):
        yield "code that cannot be changed by the process that runs it"
    for line in lines:
        if line.startswith("COPY ") and "--" not in line:
            yield from (f"there is no {path}" for path in line.split()[1:-1] if not (PROJECT / path).exists())
    if "--require-hashes" not in dockerfile:
        yield "packages by their hashes"


def test_linters_find_nothing(tmp_path: Path) -> None:
    assert said("Dockerfile", DOCKERFILE, tmp_path) == ""
    assert said("docker-compose.yml", COMPOSE, tmp_path) == ""


@pytest.mark.parametrize("what", UNLINTED)
def test_linters_refuse_a_worse_image(what: str, tmp_path: Path) -> None:
    old, new, rule = UNLINTED[what]
    assert rule in said("Dockerfile", broken(DOCKERFILE, old, new), tmp_path)


@pytest.mark.parametrize("what", INVALID)
def test_linters_refuse_what_is_no_compose_file(what: str, tmp_path: Path) -> None:
    old, new, reason = INVALID[what]
    assert reason in said("docker-compose.yml", broken(COMPOSE, old, new), tmp_path)


def test_linters_refuse_all_that_is_unsafe_in_a_compose_file(tmp_path: Path) -> None:
    text = COMPOSE
    for old, new in UNSAFE.values():
        text = broken(text, old, new)
    report = said("docker-compose.yml", text, tmp_path)
    assert [rule for rule in UNSAFE if rule not in report] == []


def test_the_image_is_as_we_want_it() -> None:
    assert list(faults(DOCKERFILE)) == []


@pytest.mark.parametrize("what", UNWANTED)
def test_we_refuse_a_worse_image(what: str) -> None:
    old, new, word = UNWANTED[what]
    place = DOCKERFILE.rindex(old)  # in the last stage, if it is there
    found = list(faults(DOCKERFILE[:place] + new + DOCKERFILE[place + len(old) :]))
    assert len(found) == 1
    assert word in found[0]
