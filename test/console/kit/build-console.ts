/** Before all tests: builds the console if a source is newer than what is built, so that tests see today's sources. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { buildConsole, built } from "../../../src/console/build.mjs";

const newest = async (dir: string, counts: (path: string) => boolean): Promise<number> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const times = await Promise.all(files.filter(counts).map(async (file) => (await stat(file)).mtimeMs));
  return Math.max(0, ...times);
};

export default async (): Promise<void> => {
  const sources = join(built, "..");
  const [changed, written, made] = await Promise.all([
    newest(sources, (file) => !file.startsWith(built)),
    newest(join(sources, "../docs"), () => true),
    newest(built, () => true),
  ]);
  if (Math.max(changed, written) > made) await buildConsole();
};
