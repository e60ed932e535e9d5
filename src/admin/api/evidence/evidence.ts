/** The routes for auditors: what the journal proves, who read it, and what leaves it. */
import type { Route } from "../../route.ts";
import { ACCESS_ROUTES } from "./access.ts";
import { EXPORT_ROUTES } from "./exports.ts";
import { INTEGRITY_ROUTES } from "./integrity.ts";
import { ISOLATION_ROUTES } from "./isolation.ts";
import { ISOLATION_PROOF_ROUTES } from "./isolation-proofs.ts";
import { VERIFICATION_ROUTES } from "./verifications.ts";

type DepsOf<Rows> = Rows extends readonly Route<infer Deps>[] ? Deps : never;

export type EvidenceDeps = DepsOf<typeof INTEGRITY_ROUTES> &
  DepsOf<typeof VERIFICATION_ROUTES> &
  DepsOf<typeof EXPORT_ROUTES> &
  DepsOf<typeof ACCESS_ROUTES> &
  DepsOf<typeof ISOLATION_ROUTES> &
  DepsOf<typeof ISOLATION_PROOF_ROUTES>;

export const EVIDENCE_ROUTES: readonly Route<EvidenceDeps>[] = [
  ...INTEGRITY_ROUTES,
  ...VERIFICATION_ROUTES,
  ...EXPORT_ROUTES,
  ...ACCESS_ROUTES,
  ...ISOLATION_ROUTES,
  ...ISOLATION_PROOF_ROUTES,
];
