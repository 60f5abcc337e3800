// SPDX-License-Identifier: Apache-2.0
// The text that bash runs to install: scripts of people are sourced, as their words (`set -e`, `conda install`, variables
// of earlier lines) expect. Values come as variables from _vars.sh, never as text in between.
import type { Configuration, ConfigurationValue, WrapSettings } from './settings.ts';

/** A word that a shell reads as itself. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What user scripts may rely on: each key of the configuration as CW_KEY, lists as arrays. */
export function variablesScript(configuration: Configuration, own: Readonly<Record<string, string>>): string {
  const lines = Object.entries(configuration).flatMap(([key, value]) => {
    const name = `CW_${key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`;
    if (name in own) return [];
    if (!Array.isArray(value)) return [`export ${name}=${shellWord(scalarText(value))}`];
    return [`${name}=(${value.map((item: ConfigurationValue) => shellWord(scalarText(item))).join(' ')})`];
  });
  return [...lines, ...Object.entries(own).map(([name, value]) => `export ${name}=${shellWord(value)}`), ''].join('\n');
}

function scalarText(value: ConfigurationValue): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const prologue = `source "\${BASH_SOURCE[0]%/*}/_vars.sh"
cd "$CW_WORKDIR"
`;

/** What belongs to an active conda environment, as conda's own activation does it. */
export const condaActivation = `cw_activate() {
  export CONDA_PREFIX="$env_root" CONDA_DEFAULT_ENV="$CW_ENV_NAME" CONDA_SHLVL=1
  export CONDA_PROMPT_MODIFIER="($CW_ENV_NAME) " PATH="$env_root/bin:$PATH"
  local cw_script
  for cw_script in "$env_root"/etc/conda/activate.d/*.sh; do
    if [ -e "$cw_script" ]; then source "$cw_script"; fi
  done
}
`;

/** Installs into `$env_root`, which is where the installation will be. */
export function installScript(settings: WrapSettings): string {
  switch (settings.mode) {
    case 'venv':
      return `${prologue}set -e\n${venvScript(settings)}`;
    case 'conda':
      return `${prologue}${condaActivation}set -e\n${condaScript(settings)}`;
    case 'wrapdisk':
      return `${prologue}set -e\nsource "$CW_BUILD/_pre_install.sh"\nsource "$CW_BUILD/_post_install.sh"\n`;
    case 'wrapcont':
      return `${prologue}set -e\n`;
  }
}

function venvScript(settings: WrapSettings): string {
  const site = settings.usesSystemPackages ? ' --system-site-packages' : '';
  const cache = settings.usesCache ? '' : settings.usesUv ? ' --no-cache' : ' --no-cache-dir';
  const locked = settings.isLocked ? ' --no-deps --require-hashes' : '';
  const getUv = `if [ ! -x "$CW_UV" ]; then
  python3 -m venv "$CW_BUILD/_uv"
  "$CW_BUILD/_uv/bin/pip" install --quiet uv
fi
`;
  const make = settings.usesUv
    ? `"$CW_UV" venv --quiet --seed --allow-existing${site} --python "$CW_PYVER" "$env_root"`
    : `python3 -m venv${site} "$env_root"`;
  const install = settings.usesUv
    ? `"$CW_UV" pip install${cache}${locked} -r "$CW_REQUIREMENTS"`
    : `python -m pip install${cache} "\${cw_report[@]}"${locked} -r "$CW_REQUIREMENTS"`;
  return `${settings.usesUv ? getUv : ''}source "$CW_BUILD/_pre_install.sh"
if [ ! -e "$env_root/pyvenv.cfg" ]; then
  ${make}
fi
source "$env_root/bin/activate"
${settings.usesUv ? '' : reportOption}if [ -n "$CW_REQUIREMENTS" ]; then
  ${install}
fi
if [ -n "$CW_PLAIN_REQUIREMENTS" ]; then
  python -m pip install${settings.usesCache ? '' : ' --no-cache-dir'} --no-deps -r "$CW_PLAIN_REQUIREMENTS"
fi
cd "$CW_WORKDIR"
source "$CW_BUILD/_post_install.sh"
`;
}

/** The digests of what it installs are told by pip 22.2 and later. */
const reportOption = `cw_report=()
if python -m pip install --help | grep -q -e --report; then cw_report=(--report "$CW_BUILD/_report.json"); fi
`;

function condaScript(settings: WrapSettings): string {
  const cache = settings.usesCache ? '' : ' --no-cache-dir';
  const pip =
    settings.usesUv && settings.usesMamba
      ? `uv pip install${settings.usesCache ? '' : ' --no-cache'} -r "$CW_REQUIREMENTS"`
      : `${reportOption.replaceAll('\n', '\n  ').trim()}
  python -m pip install${cache} "\${cw_report[@]}"${settings.isLocked ? ' --no-deps' : ''} -r "$CW_REQUIREMENTS"`;
  const getConda = `if [ -n "$CW_CONDA_URL" ]; then
  case "$CW_CONDA_URL" in
    *://*) curl --fail --silent --show-error --location --output "$CW_BUILD/_installer" "$CW_CONDA_URL" ;;
    *) cp -- "$CW_CONDA_URL" "$CW_BUILD/_installer" ;;
  esac
  case "$CW_CONDA_URL" in
    *.sh)
      bash "$CW_BUILD/_installer" -b -p "$CW_BUILD/_conda"
      CW_CONDA="$CW_BUILD/_conda/bin/conda"
      if [ "\${CW_MAMBA:-no}" = yes ] && [ -x "$CW_BUILD/_conda/bin/mamba" ]; then CW_CONDA="$CW_BUILD/_conda/bin/mamba"; fi ;;
    *)
      mkdir -p "$CW_BUILD/_conda/bin"
      CW_CONDA="$CW_BUILD/_conda/bin/micromamba"
      mv "$CW_BUILD/_installer" "$CW_CONDA"
      chmod +x "$CW_CONDA" ;;
  esac
fi
`;
  // An empty history makes an empty directory an environment, which all the programs agree to install into.
  return `${getConda}case "\${CW_CONDA##*/}" in
  pixi*)
    # It installs into projects of its own; what it can do here is to run another that it fetches.
    cw_conda() { "$CW_CONDA" exec --spec micromamba micromamba "$@"; } ;;
  *)
    cw_conda() { "$CW_CONDA" "$@"; } ;;
esac
case "\${CW_CONDA##*/}" in
  micromamba*|mamba*|pixi*)
    if cw_hook="$(cw_conda shell hook --shell bash 2>/dev/null)"; then eval "$cw_hook"; fi
    conda() { cw_conda "$@"; }
    mamba() { cw_conda "$@"; }
    cw_install=(cw_conda install --yes --prefix "$env_root" --file "$CW_ENV_FILE")
    cw_from_yaml=("\${cw_install[@]}") ;;
  *)
    eval "$("$CW_CONDA" shell.bash hook)"
    cw_install=("$CW_CONDA" install --yes --prefix "$env_root" --file "$CW_ENV_FILE")
    cw_from_yaml=("$CW_CONDA" env update --prefix "$env_root" --file "$CW_ENV_FILE") ;;
esac
source "$CW_BUILD/_pre_install.sh"
if [ ! -e "$env_root/conda-meta/history" ]; then
  mkdir -p "$env_root/conda-meta"
  : > "$env_root/conda-meta/history"
fi
if [ -n "$CW_ENV_FILE" ]; then
  case "$CW_ENV_NAME_OF_FILE" in
    *.yaml*|*.yml*) "\${cw_from_yaml[@]}" ;;
    *) "\${cw_install[@]}" ;;
  esac
fi
# Scripts of packages are not written to end at the first failure.
set +e
cw_activate
set -e
if [ -n "$CW_REQUIREMENTS" ]; then
  ${pip}
fi
if [ -n "$CW_PLAIN_REQUIREMENTS" ]; then
  python -m pip install${cache} --no-deps -r "$CW_PLAIN_REQUIREMENTS"
fi
cd "$CW_WORKDIR"
source "$CW_BUILD/_post_install.sh"
${listPackages}`;
}

/** What is in the environment can be asked for without the program that installed it. */
const listPackages = `mkdir -p "$env_root/bin"
cat > "$env_root/bin/list-packages" <<'EOF'
#!/bin/sh
# Lists what is installed in this environment.
for record in "$CONDA_PREFIX"/conda-meta/*.json; do
  [ -e "$record" ] && printf '%s\\n' "$(basename "$record" .json)"
done
if [ -x "$CONDA_PREFIX/bin/python" ]; then "$CONDA_PREFIX/bin/python" -m pip list 2>/dev/null || :; fi
EOF
chmod +x "$env_root/bin/list-packages"
`;
