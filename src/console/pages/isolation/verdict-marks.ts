import type { ProofReport } from "../../../admin/api/evidence/isolation-proofs.ts";
import type { Mark } from "../../parts/data/verdict.tsx";

export const VERDICT_MARKS: Readonly<Record<ProofReport["verdict"], Mark>> = {
  ok: "good",
  broken: "bad",
  "cannot-tell": "unknown",
};
