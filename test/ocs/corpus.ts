/**
 * Collections of hostile and odd input that stand beside the repository. Their absence skips tests by name, in CI it
 * fails them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CORPORA } from "../kit/corpora.ts";

const root = fileURLToPath(CORPORA);

export type Corpus = {
  readonly absent: boolean;
  readonly files: (folder?: string) => string[];
  readonly bytes: (file: string) => Buffer;
  readonly lines: (file: string) => string[];
};

export const corpus = (name: string): Corpus => {
  const home = join(root, name);
  const bytes = (file: string): Buffer => readFileSync(join(home, file));
  return {
    absent: !existsSync(home) && process.env["CI"] !== "true",
    files: (folder = "") => readdirSync(join(home, folder)).filter((file) => !/^(?:README|LICENSE)/.test(file)),
    bytes,
    lines: (file) =>
      bytes(file)
        .toString("utf8")
        .split("\n")
        .filter((line) => line !== ""),
  };
};
