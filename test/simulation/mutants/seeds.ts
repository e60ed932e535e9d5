/**
 * For each mutant a seed that has shown it. Any change of the product moves seeds, so the test looks on from there
 * when one does not any more.
 */
export const SEEDS: Readonly<Record<string, number>> = {
  "a-a-refused-lane-connection-begins-an-epoch": 53,
  "b-restored-handles-are-live": 8,
  "b-no-handle-proves-a-new-life": 1413,
  "d-ocs-hears-200-although-the-store-failed": 97,
  "e-a-second-finalizer-gets-410-at-once": 94,
  "f-an-old-200-ends-the-newer-attempt": 19,
  "f-a-call-report-ends-the-newer-attempt": 13,
  "g-the-first-probe-prefers-the-peer": 86,
  "h-a-conflict-has-one-entry-a-minute-for-all-handles": 18,
  "k-lanes-are-by-name": 2,
  "l-a-queued-request-survives-the-revocation-of-its-client": 2066,
};
