"""The measurements, one file per question; each has `measure(bench) -> list[Row]`."""
