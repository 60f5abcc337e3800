// SPDX-License-Identifier: Apache-2.0
// What bash runs to install a conda environment, with whichever of conda, mamba, micromamba and pixi there is.
import { pipReports } from './pip-reports.ts';
import type { WrapSettings } from './settings.ts';

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

/** Installs into `$env_root`, whose scripts of activation are then in force. */
export function condaScript(settings: WrapSettings): string {
  const cache = settings.usesCache ? '' : ' --no-cache-dir';
  const pip =
    settings.usesUv && settings.usesMamba
      ? `uv pip install${settings.usesCache ? '' : ' --no-cache'} -r "$CW_REQUIREMENTS"`
      : `cw_pip install${cache}${settings.isLocked ? ' --no-deps' : ''} -r "$CW_REQUIREMENTS"`;
  const getConda = `case "$CW_INSTALLER_KIND" in
  script)
    bash "$CW_INSTALLER" -b -p "$CW_BUILD/_conda"
    cw_programs=(conda mamba micromamba)
    if [ "\${CW_MAMBA:-no}" = yes ]; then cw_programs=(mamba conda micromamba); fi ;;
  archive)
    mkdir -p "$CW_BUILD/_conda"
    tar -xf "$CW_INSTALLER" -C "$CW_BUILD/_conda"
    cw_programs=(micromamba mamba pixi conda) ;;
  program)
    mkdir -p "$CW_BUILD/_conda/bin"
    case "$CW_INSTALLER_NAME" in conda*|mamba*|pixi*) ;; *) CW_INSTALLER_NAME=micromamba ;; esac
    cp -- "$CW_INSTALLER" "$CW_BUILD/_conda/bin/$CW_INSTALLER_NAME"
    chmod +x "$CW_BUILD/_conda/bin/$CW_INSTALLER_NAME"
    cw_programs=("$CW_INSTALLER_NAME") ;;
esac
for cw_program in "\${cw_programs[@]}"; do
  for cw_place in bin/ ""; do
    if [ -z "$CW_CONDA" ] && [ -f "$CW_BUILD/_conda/$cw_place$cw_program" ]; then
      CW_CONDA="$CW_BUILD/_conda/$cw_place$cw_program"
    fi
  done
done
if [ -z "$CW_CONDA" ] && [ -z "$CW_INSTALLER_KIND" ]; then
  for cw_program in $CW_CONDA_NAMES; do
    if [ -z "$CW_CONDA" ]; then CW_CONDA="$(command -v "$cw_program" || :)"; fi
  done
fi
if [ -z "$CW_CONDA" ]; then
  echo "there is none of: \${cw_programs[*]:-$CW_CONDA_NAMES}" >&2
  exit 1
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
${pipReports}# Scripts of packages are not written to end at the first failure.
set +e
cw_activate
set -e
if [ -n "$CW_REQUIREMENTS" ]; then
  ${pip}
fi
if [ -n "$CW_PLAIN_REQUIREMENTS" ]; then
  cw_pip install${cache} --no-deps -r "$CW_PLAIN_REQUIREMENTS"
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
