# The few commands people type: each is one call of the package, in the environment that `.venv` holds.
PYTHON ?= python3
PORT ?=
CHAPTER ?=
OPTIONS ?=
FORMAT ?= text
STRICT ?=
RUN = .venv/bin/python -m ssphub_book

.PHONY: setup book new preview test test-all mutants serve check format lock

book: setup
	@$(RUN) build

new: setup
	@$(RUN) new $(OPTIONS)

preview: setup
	@$(RUN) preview $(if $(PORT),--port $(PORT)) $(CHAPTER)

test: setup
	@$(RUN) test

test-all: setup
	@$(RUN) test --whole

mutants: setup
	@$(RUN) mutants $(CHAPTER) $(OPTIONS)

serve: setup
	@$(RUN) serve $(if $(PORT),--port $(PORT))

check: setup
	@$(RUN) check $(CHAPTER) --format $(FORMAT) $(if $(STRICT),--strict)

format: setup
	@.venv/bin/ruff format ssphub_book tests notebooks
	@$(RUN) format

setup:
	@command -v $(PYTHON) >/dev/null || { echo "make: il faut Python 3.11, 3.12 ou 3.13 (commande python3 introuvable)."; exit 1; }
	@$(PYTHON) -m ssphub_book.environment

# Resolved for every supported Python at once.
lock: setup
	.venv/bin/uv pip compile --universal --generate-hashes --python-version 3.11 --no-header -o requirements.txt requirements.in
