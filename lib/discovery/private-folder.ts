import { lstat, mkdir } from 'node:fs/promises';

/**
 * Makes a folder that only this user can read and write, or makes sure that it is one. Under a temporary folder that
 * all users share, another one could have made it first, or a link to somewhere else.
 *
 * @throws Error saying what is wrong with the folder
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) throw new Error(`${path} is a symbolic link: remove it`);
  if (!stats.isDirectory()) throw new Error(`${path} is no folder: remove it`);
  const user = process.getuid?.();
  // Windows has neither owners nor modes that could be checked; its temporary folder belongs to the user alone.
  if (user === undefined) return;
  if (stats.uid !== user) throw new Error(`${path} belongs to another user (${stats.uid})`);
  if ((stats.mode & 0o077) !== 0) throw new Error(`${path} can be reached by other users: chmod 700 it`);
}
