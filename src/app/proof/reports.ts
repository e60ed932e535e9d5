/** The reports of proofs, one file each, in a folder of the journal's directory. Only the gateway's user reads them. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Proved, ProofReport, ProofRow } from "../../admin/api/evidence/isolation-proofs.ts";
import { isUlid } from "../../common/ulid.ts";

/** Reports that are kept. */
const MOST = 50;

export type Stored = ProofRow & Proved;
type Content = Omit<ProofRow, "digest" | "percent" | "state" | "error" | "verdict"> & { readonly report: ProofReport };

export class ProofReports {
  readonly #folder: string;
  /** A report never changes, so the list is read once. */
  readonly #rows = new Map<string, ProofRow>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves to the digest of the file when it is on disk. */
  async write(content: Content): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify(content, undefined, 1)}\n`;
    const path = this.#pathOf(content.id);
    const file = await open(`${path}.tmp`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    await this.#forgetOld();
    return digestOf(text);
  }

  /** Newest first. */
  async list(): Promise<readonly ProofRow[]> {
    const rows: ProofRow[] = [];
    for (const id of (await this.#ids()).toReversed()) {
      const row = this.#rows.get(id) ?? (await this.find(id));
      if (!row) continue;
      const { report: _report, ...rest } = row as Stored;
      this.#rows.set(id, rest);
      rows.push(rest);
    }
    return rows;
  }

  /** Undefined if there is no such report, or its file cannot be read. */
  async find(id: string): Promise<Stored | undefined> {
    if (!isUlid(id)) return undefined;
    try {
      const text = await readFile(this.#pathOf(id), "utf8");
      const content = JSON.parse(text) as Content;
      const { report } = content;
      return { ...content, state: "done", percent: 100, error: null, verdict: report.verdict, digest: digestOf(text) };
    } catch {
      return undefined;
    }
  }

  #names(): Promise<string[]> {
    return readdir(this.#folder).catch(() => []);
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}.json`);
  }

  async #ids(): Promise<string[]> {
    return (await this.#names())
      .filter((name) => name.endsWith(".json") && isUlid(name.slice(0, -5)))
      .map((name) => name.slice(0, -5))
      .toSorted();
  }

  /** Also what was half written when the process ended; proofs run one at a time. */
  async #forgetOld(): Promise<void> {
    for (const name of await this.#names())
      if (name.endsWith(".tmp")) await rm(join(this.#folder, name), { force: true });
    for (const id of (await this.#ids()).slice(0, -MOST)) {
      this.#rows.delete(id);
      await rm(this.#pathOf(id), { force: true });
    }
  }
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
