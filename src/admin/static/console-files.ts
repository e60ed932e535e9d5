/** The built console, read into memory at start: `src/console/build.mjs` makes the files and their compressed forms. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** `gzip` and `brotli`: the same content, compressed; undefined where there is no such file. */
export type ConsoleFile = {
  readonly type: string;
  readonly content: Uint8Array;
  readonly gzip: Uint8Array | undefined;
  readonly brotli: Uint8Array | undefined;
  /** In quotes, as in ETag. */
  readonly etag: string;
  /** The name contains a hash of the content. */
  readonly isHashed: boolean;
};

/** By path, as in "/assets/index-Bx2.js"; empty where the console was not built. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

export const CONSOLE_DIR = fileURLToPath(new URL("../../console/built/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  json: "application/json",
};

/** Files of other types are left out: nothing of the console needs them. */
export const readConsole = async (dir: string = CONSOLE_DIR): Promise<ConsoleFiles> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(dir, join(parentPath, name)).replaceAll(sep, "/"));
  const present = new Set(names);
  const read = async (name: string): Promise<Uint8Array | undefined> =>
    present.has(name) ? readFile(join(dir, name)) : undefined;
  const files = names
    .filter((name) => typeOf(name) in TYPES)
    .map(async (name): Promise<[string, ConsoleFile]> => {
      const content = (await read(name))!;
      return [
        `/${name}`,
        {
          type: TYPES[typeOf(name)]!,
          content,
          gzip: await read(`${name}.gz`),
          brotli: await read(`${name}.br`),
          etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
          isHashed: /^assets\/.+-[\w-]{8}\.\w+$/.test(name),
        },
      ];
    });
  return new Map(await Promise.all(files));
};

const typeOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
