/**
 * What HAProxy 2.6 and nginx 1.22 did with the same collections: a payload that either of them lets nothing of through
 * is to be refused here.
 */
import { corpus } from "../ocs/corpus.ts";

type Row = readonly [id: string, requests: number, statuses: readonly string[], line: string];
type Baseline = { readonly results: Readonly<Record<string, readonly Row[]>> };

const read = (): Baseline => JSON.parse(corpus("baselines").bytes("haproxy-nginx.json").toString("utf8")) as Baseline;

let baseline: Baseline | undefined;

/** Whether both let something of it through. `name` is the collection's name there, as in "haproxy/<name>". */
export const passesElsewhere = (name: string): ((id: string) => boolean) => {
  baseline ??= read();
  const [haproxy, nginx] = ["haproxy", "nginx"].map((proxy) => baseline!.results[`${proxy}/${name}`]);
  if (!haproxy || !nginx) throw new Error(`no measurement of ${name}`);
  const both = new Set(haproxy.map(([id]) => id).filter((id) => nginx.some(([other]) => other === id)));
  return (id) => both.has(id);
};
