# make demo        the product with one real study, on an empty machine      ONCE=1  JSON=1  DEMO=xray|ct|mri|all
# make test        everything that must hold                                 ONLY=lint,sqlite,...
# make lock        new locks from pyproject.toml (needs uv)
PYTHON := .venv/bin/python
.PHONY: demo test lint lock bench chaos up clean

demo:
	@requirements/install worker >&2
	@$(PYTHON) manage.py demo $(if $(ONCE),--once) $(if $(JSON),--json) $(if $(DEMO),--study $(DEMO))

up:
	@requirements/install worker >&2
	@$(PYTHON) manage.py up

test:
	@requirements/install dev
	@$(PYTHON) tests/run.py $(if $(ONLY),--only $(ONLY))

lint:
	@requirements/install dev
	@$(PYTHON) tests/run.py --only lint

bench:
	@requirements/install dev
	@$(PYTHON) -m tests.bench $(WHAT)

chaos:
	@requirements/install dev
	@$(PYTHON) -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(if $(MINUTES),--minutes $(MINUTES))

lock:
	@requirements/lock

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache
