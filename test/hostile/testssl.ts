/**
 * testssl.sh against a listener: what it finds of LOW or worse, but for what a private authority and a listener for
 * programs cannot have.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../kit/command.ts";

type Finding = { readonly id: string; readonly severity: string; readonly finding: string };

/**
 * A test certificate has no revocation address and only thirty days, localhost has no DNS record, and some headers only
 * browsers read. WARN is about testssl's own machine.
 */
const UNAVOIDABLE = new Set([
  "cert_revocation",
  "cert_expirationStatus",
  "cert_notAfter",
  "DNS_CAArecord",
  "HSTS",
  "security_headers",
]);
const HARMLESS = new Set(["OK", "INFO", "WARN", "DEBUG"]);

/** `checks`: its options, none for all of them. */
export const testssl = async (
  program: string,
  port: number,
  caFile: string,
  checks: readonly string[] = [],
): Promise<{ readonly all: readonly Finding[]; readonly bad: readonly string[] }> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-testssl-"));
  const file = join(dir, "findings.json");
  const { stdout, stderr } = await run(program, [
    "--quiet",
    "--color",
    "0",
    "--warnings",
    "batch",
    "--add-ca",
    caFile,
    "--jsonfile",
    file,
    ...checks,
    `localhost:${port}`,
  ]);
  const text = await readFile(file, "utf8").catch(() => Promise.reject(new Error(stdout + stderr)));
  await rm(dir, { recursive: true, force: true });
  const all = JSON.parse(text) as Finding[];
  const bad = all
    .filter(({ id, severity }) => !HARMLESS.has(severity) && !UNAVOIDABLE.has(id))
    .map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`);
  return { all, bad };
};
