"""Secrets are found by their shapes, and other texts stay as they are."""

from __future__ import annotations

import pytest

from archive.provenance.concealing import concealed, concealed_bytes, safe_arguments, safe_remote

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nAAAA\n"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
TOKENS = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 8,
    "glpat-" + "x9-Y" * 5,
    "sk-" + "proj-a1B2" * 5,
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdef",
    "AIza" + "Sy0-" * 9,
    "hf_" + "abcdEFGH" * 5,
    "pypi-" + "AgEIcHlwaS" * 4,
    JWT,
]


@pytest.mark.parametrize("token", TOKENS)
def test_tokens(token: str) -> None:
    text, found = concealed(f"key = '{token}'  # mine\nn = 5\n")
    assert found == 1
    assert text == "key = '***'  # mine\nn = 5\n"
    assert safe_arguments(["run.py", token, f"--x={token}"]) == ["run.py", "***", "--x=***"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (KEY + "-----END OPENSSH PRIVATE KEY-----\nn = 5", "***\nn = 5"),
        ("Authorization: Bearer abcdefghijklmnop0123==", "Authorization: Bearer ***"),
        ("curl https://anna:hunter2@lab.example/x", "curl https://***@lab.example/x"),
        ('password = "hunter22"', 'password = "***"'),
        ("+    'api_key': 'abc123def456',", "+    'api_key': '***',"),
        ("aws_secret_access_key='wJalrXUtnFEMI/K7MDENG'", "aws_secret_access_key='***'"),
    ],
)
def test_texts(text: str, safe: str) -> None:
    assert concealed(text)[0] == safe
    assert concealed_bytes(text.encode())[0] == safe.encode()


@pytest.mark.parametrize(
    "text",
    [
        "tau_m = 10 * ms  # basic, not an api",
        "password = input('password: ')",
        "task-" + "a" * 40,
        "token = tokens[i]",
        "see https://lab.example:8080/a@b and anna@lab.example",
        "risk-averse-agents-in-a-market-with-noise",
        "weights = 'exc_weight_token_0'",
        "é\xff secret santa",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert concealed(text) == (text, 0)
    assert concealed_bytes(text.encode("latin-1")) == (text.encode("latin-1"), 0)


def test_a_key_without_an_end() -> None:
    text, found = concealed(f"{KEY}QyNTUxOQAAACBzZWNyZXQ=\n\nn = 5\n")
    assert found == 1
    assert "b3BlbnNzaC1rZXktdjEAAAAA" not in text
    assert text.endswith("n = 5\n")


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        (["--token", "x", "--n", "5"], ["--token", "***", "--n", "5"]),
        (["--password=x", "-n5"], ["--password=***", "-n5"]),
        (["--api-key", "x"], ["--api-key", "***"]),
        (["--accessToken=x"], ["--accessToken=***"]),
        (["DB_PASSWORD=x", "seed=3"], ["DB_PASSWORD=***", "seed=3"]),
        (["--no-password", "5"], ["--no-password", "5"]),
        (["--secret", "--n", "5"], ["--secret", "--n", "5"]),
        (["--authors", "anna", "--tokens", "5"], ["--authors", "anna", "--tokens", "5"]),
        (["https://anna:x@lab.example/d?token=y&n=5"], ["https://***@lab.example/d?token=***&n=5"]),
        (["https://x1y2@lab.example"], ["https://lab.example"]),
        (["anna@lab.example:data"], ["anna@lab.example:data"]),
    ],
)
def test_command_lines(given: list[str], safe: list[str]) -> None:
    found = safe_arguments(given)
    assert [one.replace("//***@", "//") for one in found] == [
        one.replace("//***@", "//") for one in safe
    ]
    assert not {"x", "y", "anna:x"} & set(" ".join(found).replace("=", " ").split())


def test_remotes() -> None:
    assert safe_remote("anna:x@lab.example:a.git") == "lab.example:a.git"
    assert safe_remote("/home/anna/a.git") == "/home/anna/a.git"
