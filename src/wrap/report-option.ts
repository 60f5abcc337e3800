// SPDX-License-Identifier: Apache-2.0

/** The digests of what it installs are told by pip 22.2 and later. */
export const reportOption = `cw_report=()
if python -m pip install --help | grep -q -e --report; then cw_report=(--report "$CW_BUILD/_report.json"); fi
`;
