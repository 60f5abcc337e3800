// SPDX-License-Identifier: Apache-2.0

/**
 * Functions of bash with which pip (22.2 and later) tells the digests of what it installs: `cw_pip` for ourselves, and
 * `pip` as scripts of people call it. Each run has a report of its own.
 */
export const pipReports = `cw_reports=0
cw_reported() {
  local cw_verb="$1"
  shift
  if [ "$cw_verb" = install ] && python -m pip install --help 2>/dev/null | grep -q -e --report; then
    cw_reports=$((cw_reports + 1))
    set -- --report "$CW_BUILD/_report_$cw_reports.json" "$@"
  fi
  "\${cw_command[@]}" "$cw_verb" "$@"
}
cw_pip() { local cw_command=(python -m pip); cw_reported "$@"; }
pip() {
  local cw_command=(command pip)
  if [ $# -eq 0 ]; then command pip; else cw_reported "$@"; fi
}
`;
