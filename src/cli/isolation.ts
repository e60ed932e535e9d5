/** `ocsgw isolation prove`: tries to reach each tenant's things as each other tenant, against an embedded OCS. */
import { tmpdir } from "node:os";
import type { ProofReport } from "../admin/api/evidence/isolation-proofs.ts";
import { planProof } from "../app/proof/plan.ts";
import { startProofProcess } from "../app/proof/proof-process.ts";
import { loadToRead } from "../settings/load.ts";
import { printProblemsToRead } from "./check/check.ts";
import { showProgress } from "./process/progress.ts";
import { CANNOT_TELL, DENIED, DONE } from "./exit-codes.ts";

export type ProveOptions = { readonly config: string; readonly json?: boolean };

const EXIT = { ok: DONE, broken: DENIED, "cannot-tell": CANNOT_TELL } as const satisfies Record<
  ProofReport["verdict"],
  number
>;

/** Resolves to the exit code: 0 separated, 3 config not valid, 8 nothing proved, 9 not separated. */
export const isolationProve = async ({ config, json }: ProveOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  const plan = planProof(loaded.settings, loaded.hash);
  const progress = showProgress("trying requests", 100);
  const proof = startProofProcess(plan, { otherwise: tmpdir(), onPercent: progress.reach });
  const cancel = (): void => void proof.cancel();
  process.once("SIGINT", cancel).once("SIGTERM", cancel);
  try {
    const report = await proof.result.finally(progress.end);
    console.log(json ? JSON.stringify({ config, config_hash: loaded.hash, ...report }, undefined, 2) : inWords(report));
    return EXIT[report.verdict];
  } finally {
    process.off("SIGINT", cancel).off("SIGTERM", cancel);
  }
};

const VERDICTS = {
  ok: "separated: everything that was tried was refused, and each tenant could do what is its own",
  broken: "not separated",
  "cannot-tell": "proves nothing",
} as const satisfies Record<ProofReport["verdict"], string>;

const OPEN = "separated, except what the config itself leaves open, below";

const inWords = (report: ProofReport): string => {
  const { verdict, covers, requests, tests, failures, more_failures: more, open, untried, missing } = report;
  const part = ({ tried, of }: ProofReport["covers"]["tenants"]): string =>
    tried === of ? String(of) : `${tried} of ${of}`;
  return [
    verdict === "ok" && open.length > 0 ? OPEN : VERDICTS[verdict],
    `${part(covers.tenants)} tenants, ${part(covers.clients)} clients, ${part(covers.objects)} lists, campaigns and ` +
      `groups; ${requests} requests; policy tests: ${tests.passed} passed, ${tests.failed.length} failed`,
    ...failures.flatMap(({ from, to, resource, client, says, why }) => [
      `  ${from} -> ${to}, ${resource}: ${why}`,
      `    ${client ?? "a client with all actions"}, ${says}`,
    ]),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...tests.failed.map(
      ({ client, request, expected, decided }) =>
        `  test ${client} ${request}: expected ${expected}, decided ${decided}`,
    ),
    ...listed("why it proves nothing", missing),
    ...listed("not separated by the config", open),
    ...listed("not tried", untried),
    ...listed("not proved", report.not_proved),
  ].join("\n");
};

const listed = (title: string, of: readonly string[]): string[] =>
  of.length === 0 ? [] : [`${title}:`, ...of.map((each) => `  ${each}`)];
