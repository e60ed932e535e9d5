/**
 * For each mutant a seed that has shown it. Any change of the product moves seeds, so the test looks on from there
 * when one does not any more.
 */
export const SEEDS: Readonly<Record<string, number>> = {
  "a-a-refused-lane-connection-begins-an-epoch": 1,
  "b-restored-handles-are-live": 2117,
  "b-handles-stay-live-when-all-connections-were-lost": 275,
  "b-no-handle-proves-a-new-life": 15,
  "c-removals-are-not-written-and-restored-handles-are-live": 149,
  "d-ocs-hears-200-although-the-store-failed": 1,
  "e-a-second-finalizer-gets-410-at-once": 1,
  "f-an-old-200-ends-the-newer-attempt": 2,
  "f-a-call-report-ends-the-newer-attempt": 2,
  "g-the-first-probe-prefers-the-peer": 1,
  "h-a-conflict-has-one-entry-a-minute-for-all-handles": 1,
  "j-a-reload-forgets-what-it-interrupts": 14,
  "k-lanes-are-by-name": 1,
  "m-an-announcement-does-not-wait-for-the-other-gateway": 34,
  "n-a-finalizing-request-waits-only-on-its-own-gateway": 1,
  "o-a-handle-that-another-gateway-heard-of-is-unknown": 1,
  "l-a-queued-request-survives-the-revocation-of-its-client": 2,
};
