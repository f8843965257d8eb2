# make run        the main job: sample office, page in the browser
# make test       everything that must pass
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONDONTWRITEBYTECODE =

.PHONY: run demo-reset install install-dev browser test lock clean

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

browser: install-dev
	@$(BIN)/python tools/browser.py

test: install-dev browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

# after changing dependencies in pyproject.toml
lock: install-dev
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --upgrade -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --allow-unsafe --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
