// SPDX-License-Identifier: Apache-2.0
// What can stand beside an installation for other programs: a kernel for Jupyter, and files for environment modules.

/** A kernel spec of Jupyter for the interpreter of an installation. */
export function kernelSpec(prefix: string, displayName: string): string {
  const spec = {
    argv: [`${prefix}/bin/python`, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
    display_name: displayName,
    language: 'python',
    metadata: { debugger: true },
  };
  return `${JSON.stringify(spec, undefined, 2)}\n`;
}

/** A module file of Lmod. */
export function luaModule(prefix: string, name: string): string {
  return `help([[Programs of ${luaText(name)}, wrapped by Slipway.]])
whatis(${quotedLua(`Name: ${name}`)})
prepend_path("PATH", ${quotedLua(`${prefix}/bin`)})
setenv("TYKKY_PREFIX", ${quotedLua(prefix)})
`;
}

/** A module file in Tcl, for Environment Modules and Lmod. */
export function tclModule(prefix: string, name: string): string {
  return `#%Module1.0
module-whatis ${quotedTcl(`Programs of ${name}, wrapped by Slipway.`)}
prepend-path PATH ${quotedTcl(`${prefix}/bin`)}
setenv TYKKY_PREFIX ${quotedTcl(prefix)}
`;
}

function quotedLua(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

function luaText(text: string): string {
  return text.replaceAll(']]', '] ]');
}

function quotedTcl(text: string): string {
  return `"${text.replaceAll(/["\\$[\]]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
