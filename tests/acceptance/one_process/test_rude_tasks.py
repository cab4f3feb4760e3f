"""Tasks of code from elsewhere, in the process that they share with everything else."""

from tests.support.running.embedded import EmbeddedBureau


def test_an_exception_that_cannot_be_put_into_words_fails_its_task(plain: EmbeddedBureau) -> None:
    job = plain.api.failed(plain.api.run({"name": "rude", "run": "rude.raise"}))
    (task,) = job["tasks"]
    assert (task["attempt"], task["error"]["code"]) == (2, "unexpected_error")
    assert task["error"]["message"] == "rude.raise raised Rude, which cannot be put into words."
