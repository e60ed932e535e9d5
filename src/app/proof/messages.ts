/** What the gateway and the process of a proof say to each other. */
import type { ProofReport } from "../../admin/api/evidence/isolation-proofs.ts";
import type { ProofPlan } from "./plan.ts";

/** `folder`: for temporary files; the gateway deletes it. */
export type ProofAsked = { readonly plan: ProofPlan; readonly folder: string };

export type ProofMessage =
  | { readonly kind: "progress"; readonly percent: number }
  | { readonly kind: "done"; readonly report: ProofReport }
  | { readonly kind: "failed"; readonly reason: string };
