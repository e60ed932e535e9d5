import type { ProofReport } from "../../../admin/api/evidence/isolation-proofs.ts";
import type { Mark } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";

export const VERDICT_MARKS: Readonly<Record<ProofReport["verdict"], Mark>> = {
  ok: "good",
  broken: "bad",
  "cannot-tell": "unknown",
};

type Judged = Pick<ProofReport, "verdict" | "open">;

const leavesOpen = ({ verdict, open }: Judged): boolean => verdict === "ok" && open.length > 0;

/** Nothing failed does not mean that everything is separated: the config may leave something open. */
export const verdictIn = (report: Judged): string =>
  leavesOpen(report) ? S.isolation.openVerdict : S.isolation.verdicts[report.verdict];

export const markIn = (report: Judged): Mark => (leavesOpen(report) ? "unknown" : VERDICT_MARKS[report.verdict]);
