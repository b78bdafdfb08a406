// Studies of many hours run as plain JavaScript: a test runner's transformation of every import costs them a tenth of
// their time, and they want processes, and flags, of their own.
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Builds an entry, and what it imports, from the sources as they are.
 *
 * @param entry path below `test/simulation`, without its ending
 * @param folder where to, below `build`; of one that compiles at a time
 * @returns the path of the built entry
 */
export function compile(entry, folder) {
  const { config, error } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  const outDir = join(root, 'build', folder);
  const include = [`test/simulation/${entry}.ts`];
  const parsed = ts.parseJsonConfigFileContent({ ...config, include }, ts.sys, root);
  for (const { messageText } of parsed.errors)
    throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
  // Types are checked by `npm run typecheck`, of all that is there; here only what runs has to be built.
  const settings = { ...parsed.options, outDir, declaration: false, noCheck: true, listEmittedFiles: true };
  const { emittedFiles = [] } = ts.createProgram(parsed.fileNames, settings).emit();
  const built = join(outDir, `test/simulation/${entry}.js`);
  // An older build of it must not be taken for this one.
  if (!emittedFiles.some((file) => relative(file, built) === '')) throw new Error(`${built} was not built`);
  return built;
}
