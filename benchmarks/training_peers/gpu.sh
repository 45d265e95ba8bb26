#!/usr/bin/env bash
# Runs sft.py and dpo.py beside TRL on a machine with a CUDA GPU that may fetch nothing.
#
#   benchmarks/training_peers/gpu.sh pack            here: rows, tokenizer and wheels into .gpu/
#   benchmarks/training_peers/gpu.sh run [sft|dpo]   there: both, or one; the results into $OUT
#
# The other machine needs torch, transformers, accelerate and peft; PYTHON_VERSION names its Python
# (3.12). PYTHON, SHAPE (openllama-3b), OUT (.gpu/results) and WORK, for 7 GB of random weights
# (/tmp/openbezoar-gpu), may be set. `SHAPE=tiny ... run` tries the same path on a CPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
shape=${SHAPE:-openllama-3b}
wheels=(
  trl==1.16.0 liger-kernel==0.8.5 bitsandbytes==0.50.2 datasets==5.2.0 dill==0.4.1 multiprocess==0.70.19
  pydantic==2.14.3 pydantic_core==2.50.4 annotated-types==0.8.0 typing-inspection==0.4.5
)

pack() {
  for name in sft dpo; do
    "$python" "benchmarks/$name.py" --prepare --shape "$shape" --work .gpu/prepared
  done
  local platforms=()
  for number in 17 24 27 28; do platforms+=(--platform "manylinux_2_${number}_x86_64"); done
  "$python" -m pip download --quiet --no-deps --only-binary=:all: --implementation cp \
    --python-version "${PYTHON_VERSION:-3.12}" "${platforms[@]}" --platform manylinux2014_x86_64 \
    --dest .gpu/wheels "${wheels[@]}"
}

run() {
  local work=${WORK:-/tmp/openbezoar-gpu} out=${OUT:-.gpu/results}
  mkdir -p "$work" "$out"
  cp -r .gpu/prepared/. "$work"
  if compgen -G '.gpu/wheels/*.whl' >/dev/null; then
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --upgrade \
      --target "$work/site" .gpu/wheels/*.whl
    export PYTHONPATH="$work/site${PYTHONPATH:+:$PYTHONPATH}" PIP_NO_INDEX=1
  fi
  for name in ${1:-sft dpo}; do
    "$python" "benchmarks/$name.py" --json --peers --shape "$shape" --work "$work" \
      --trial-rows 64 --venvs "$work/peers" | tee "$out/$name.json"
  done
}

case ${1:-} in
  pack) pack ;;
  run) run "${2:-}" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
