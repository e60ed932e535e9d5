/** What a report counts between two tenants, and of one resource. */
import type { ProofReport, ProofResource } from "../../../admin/api/evidence/isolation-proofs.ts";
import { whole } from "../../parts/data/numbers.ts";
import { S } from "../../strings.ts";

export type Total = { readonly passed: number; readonly failed: number; readonly open: number };

const ZERO: Total = { passed: 0, failed: 0, open: 0 };
const sum = (one: Total, other: Total): Total => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  open: one.open + other.open,
});

/** By the places of the two tenants. */
export const totalOf = ({ pairs }: ProofReport, from: number, to: number): Total =>
  pairs
    .filter((pair) => pair.from === from && pair.to === to)
    .flatMap(({ cells }) => cells)
    .reduce<Total>(sum, ZERO);

/** Those that were tried, or left open. */
export const totalsByResource = ({ pairs }: ProofReport): readonly (readonly [ProofResource, Total])[] => {
  const totals = new Map<ProofResource, Total>();
  for (const { resource, ...count } of pairs.flatMap(({ cells }) => cells))
    totals.set(resource, sum(totals.get(resource) ?? ZERO, count));
  return [...totals];
};

/** How much was tried, of how much. */
export const coversIn = ({ covers: { tenants, clients, objects }, requests }: ProofReport): string => {
  const part = ({ tried, of }: ProofReport["covers"]["tenants"]): string => S.isolation.partOf(whole(tried), whole(of));
  return S.isolation.covers(part(tenants), part(clients), part(objects), whole(requests));
};
