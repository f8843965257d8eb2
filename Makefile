# make run        the main job: sample office, page in the browser
# make test       everything that must pass
# make audit      known vulnerabilities of the locked dependencies, where the advisories can be reached
# make pictures   the README's pictures
# make bench-speed DATA=folder   start, memory, an intake by part and over HTTP, files in bulk
# make chaos     faults on the real service, with a seed and a count; ARGS="--count 50 --only kills"
# make bench-hosts    two services on hosts of their own behind nginx (as root); ARGS="--seconds 60"
# make benchmark DATA=folder   our classifier and search beside their peers; ARGS="--part few" for less
PYTHON ?= python3
VENV := .venv
ANNIF := .venv-annif
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONDONTWRITEBYTECODE =

.PHONY: run demo-reset install install-dev programs pictures test audit bench-speed bench-hosts chaos benchmark benchmark-data lock clean

run: install
	@$(BIN)/triage demo
	@$(BIN)/triage serve

demo-reset: install
	@$(BIN)/triage demo --reset

install: $(BIN)/triage

$(BIN)/triage: requirements.lock Makefile tools/launcher.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 或更新版本,当前是:"; $(PYTHON) --version; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "缺少 venv 模块,请先运行:apt-get install -y python3-venv"; exit 1; }
	@test -x $(BIN)/python || { echo "建立虚拟环境 $(VENV) …"; $(PYTHON) -m venv $(VENV); }
	@echo "安装依赖(首次约一分钟)…"
	@$(BIN)/python -m pip install --quiet --progress-bar on --require-hashes -r requirements.lock
	@$(BIN)/python tools/launcher.py

install-dev: $(VENV)/.dev

$(VENV)/.dev: $(BIN)/triage requirements-dev.lock
	@echo "安装测试依赖…"
	@$(BIN)/python -m pip install --quiet --progress-bar on --require-hashes -r requirements-dev.lock
	@touch $@

programs: install-dev
	@$(BIN)/python tools/programs.py

# the README's pictures, of the real pages
pictures: install-dev programs
	@$(BIN)/python tools/pictures.py

# two workers with a thread each: more threads than cores wait for each other by spinning; files in the order of
# tests/conftest.py, the long ones first
test: install-dev programs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# what offices install
audit: install-dev
	@$(BIN)/python tools/audit.py requirements.lock

# start, memory, an intake by part and over HTTP, files in bulk; beside peers
bench-speed: benchmark-data $(VENV)/.benchmark
	@$(BIN)/python -m training.measure_speed "$(DATA)" $(ARGS)

# faults on the real service: kills, disks, the database, the clock; docs/reliability.md
chaos: install-dev
	@$(BIN)/python -m training.chaos $(ARGS)

# services, nginx and PostgreSQL in network namespaces of this machine; docs/hosts.md
bench-hosts: install-dev
	@$(BIN)/python -m training.measure_hosts --seconds 40 $(ARGS)

# Annif pins other versions of our packages and gets an environment of its own
benchmark: benchmark-data $(VENV)/.benchmark $(ANNIF)/.ready
	@OMP_NUM_THREADS=1 $(BIN)/python -m training.benchmark "$(DATA)" $(ARGS)

benchmark-data:
	@test -d "$(DATA)" || { echo "找不到数据文件夹。用法:make benchmark DATA=数据文件夹"; exit 2; }

$(VENV)/.benchmark: $(BIN)/triage requirements-benchmark.lock
	@echo "安装对照系统…"
	@$(BIN)/python -m pip install --quiet --progress-bar on --require-hashes -r requirements-benchmark.lock
	@touch $@

$(ANNIF)/.ready: requirements-annif.lock
	@echo "安装 Annif…"
	@test -x $(ANNIF)/bin/python || $(PYTHON) -m venv $(ANNIF)
	@$(ANNIF)/bin/python -m pip install --quiet --progress-bar on --require-hashes -r requirements-annif.lock
	@touch $@

LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# after changing dependencies in pyproject.toml or a requirements-*.in
lock: install-dev
	$(LOCK) --upgrade -o requirements.lock pyproject.toml
	$(LOCK) --allow-unsafe --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(LOCK) -c requirements-dev.lock -o requirements-benchmark.lock requirements-benchmark.in
	$(LOCK) --allow-unsafe -o requirements-annif.lock requirements-annif.in

clean:
	rm -rf $(VENV) $(ANNIF) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
