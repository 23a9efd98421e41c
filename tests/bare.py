"""A search by error alone: what the full search adds is switched off, as settings and options."""

BUDGET = {"validation_share": 0.1}
SETTINGS = {"rungs": False, "preselect": False, "seed_losses": (), "finalists": 0}
OPTIONS = ["--validation-share", "0.1", "--no-rungs", "--no-preselect", "--finalists", "0",
           "--seed-losses"]
