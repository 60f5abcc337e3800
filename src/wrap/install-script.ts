// SPDX-License-Identifier: Apache-2.0
// The text that bash runs to install: scripts of people are sourced, as their words (`set -e`, `conda install`, variables
// of earlier lines) expect. Values come as variables from _vars.sh, never as text in between.
import { condaActivation, condaScript } from './conda-script.ts';
import { pipReports } from './pip-reports.ts';
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
    : `cw_pip install${cache}${locked} -r "$CW_REQUIREMENTS"`;
  return `${settings.usesUv ? getUv : ''}source "$CW_BUILD/_pre_install.sh"
if [ ! -e "$env_root/pyvenv.cfg" ]; then
  ${make}
fi
source "$env_root/bin/activate"
${pipReports}if [ -n "$CW_REQUIREMENTS" ]; then
  ${install}
fi
if [ -n "$CW_PLAIN_REQUIREMENTS" ]; then
  cw_pip install${settings.usesCache ? '' : ' --no-cache-dir'} --no-deps -r "$CW_PLAIN_REQUIREMENTS"
fi
cd "$CW_WORKDIR"
source "$CW_BUILD/_post_install.sh"
`;
}
