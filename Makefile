# The targets a person types. Each is a script, so that what runs here runs the same in CI.
.PHONY: help setup demo test compare fuzz

help:
	@echo 'make setup    .venv with zenith, torch and torchvision in it'
	@echo 'make demo     trains a small network through WebAssembly plugins, and times the loader'
	@echo 'make test     every check of the project; what CI runs'
	@echo 'make compare  times Zenith and other loaders on the same photographs'
	@echo 'make fuzz     damaged bytes for all that reads untrusted ones, ten minutes'

setup:
	@scripts/setup

demo: setup
	@scripts/demo

test: setup
	@scripts/test

compare: setup
	@.venv/bin/python benches/compare --out .cache/compare

fuzz:
	@scripts/fuzz
