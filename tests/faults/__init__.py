"""What training survives, row by row, and the test that shows it. Files without a folder lie here; `slow` is run with
`pytest -m slow tests/faults`.

| row | fault | test |
| --- | --- | --- |
| 1, 2 | rows that cannot be read, here and there in a large file | test_corpus.py; units/data/test_read.py |
| 3 | an empty side, an empty text | units/data/test_read.py; units/tasks, units/export/test_bad_decoding.py |
| 4 | a line of 1 MB, of 100 MB, without an end | test_corpus.py; units/data/test_read.py |
| 5 | NUL, CR LF, byte order marks, U+2028, emoji | test_golden_text.py; units/data/test_read.py |
| 6 | aligned files of different length | units/data/test_read.py; pipelines/test_bad_input.py |
| 7 | no such file, a folder, no permission, a damaged gzip | units/data/test_read.py; pipelines/test_bad_input.py |
| 8 | an empty corpus, one smaller than a batch, all rows filtered | test_corpus.py; units/data/test_read.py |
| 9 | more bad rows than allowed | test_corpus.py; pipelines/test_bad_input.py |
| 10 | train and test overlap | units/data/test_survey.py; pipelines/test_inspect.py |
| 11 | a vocabulary with duplicates, without its specials, of another model | units/tokens/test_store.py |
| 12 | `kill -9` at a random step | test_kill.py (slow); units/training/test_checkpoints.py; pipelines/test_resume.py |
| 13 | `kill -9` while a checkpoint is written | test_kill.py (50 times: slow); test_leftovers.py |
| 14 | SIGTERM, SIGINT | units/training/test_checkpoints.py; pipelines/test_resume.py |
| 15 | a second signal during the save | test_signals.py |
| 16 | the newest checkpoint is damaged | test_damage.py; units/training/test_snapshots.py |
| 17 | every checkpoint is damaged | test_damage.py; pipelines/test_bad_input.py |
| 18 | a full disk | test_disk_full.py (a run: slow); units/training/test_checkpoints.py; units/export/test_write.py |
| 19 | the output cannot be written, or is there already | test_output_folder.py; pipelines/test_bad_input.py |
| 20 | a resume with other settings, pairs, vocabulary | test_resume.py; pipelines/test_translate.py |
| 21 | a loss or gradient that is no number | test_not_finite.py; units/training/test_guarded.py, test_finite.py |
| 22 | float16 overflows | test_not_finite.py; units/training/test_finite.py |
| 23 | one batch too long for the memory | properties/test_batches.py; units/data/test_plan.py |
| 24-26 | a worker dies, hangs, does not come | test_workers.py |
| 27 | two runs in one folder; a lock whose owner died | units/training/test_lock.py |
| 28 | a tuner's worker dies | test_tuner.py |
| 29 | a worker of the corpus' preparation fails | test_prepare.py |
| 42 | another locale, no home, a clock that jumps | test_environment.py (whole commands: slow) |
| 43 | the same seed twice; one or two input threads | test_environment.py |
| 44 | a sentence alone or in a batch | laws/test_batching.py; units/tasks/test_text_to_text.py; units/decode |

What the exit codes mean is in pipelines/exits.py.
"""
