/** The reply to a scrape: Prometheus' text format, or OpenMetrics if the scraper prefers it. */
import { headerOf, type Arrival, type Reply } from "../../common/message.ts";
import { text } from "../replies.ts";
import { OPEN_METRICS } from "./open-metrics.ts";

export type WriteMetrics = (form?: "openmetrics") => Promise<string>;

const PLAIN = "text/plain";

export const metricsReply = async ({ headers }: Pick<Arrival, "headers">, metrics: WriteMetrics): Promise<Reply> => {
  const version = preferredVersion(headerOf(headers, "accept") ?? "");
  const vary = [["Vary", "Accept"]] as const;
  return version === undefined
    ? text(200, `${PLAIN}; version=0.0.4; charset=utf-8`, await metrics(), vary)
    : text(200, `${OPEN_METRICS}; version=${version}; charset=utf-8`, await metrics("openmetrics"), vary);
};

/** The versions are the same in what the gateway writes. */
const VERSIONS = ["1.0.0", "0.0.1"] as const;

/** Of OpenMetrics; undefined for a scraper that does not name it, or prefers plain text. */
const preferredVersion = (accept: string): string | undefined => {
  const ranges = accept.split(",").map(readRange);
  const plain = Math.max(0, ...ranges.filter(({ type }) => type === PLAIN).map(({ weight }) => weight));
  const [best] = ranges
    .filter(({ type, version, weight }) => type === OPEN_METRICS && weight > 0 && isKnown(version))
    .toSorted((one, other) => other.weight - one.weight);
  return best && best.weight >= plain ? (best.version ?? VERSIONS[0]) : undefined;
};

const isKnown = (version: string | undefined): boolean =>
  version === undefined || (VERSIONS as readonly string[]).includes(version);

type Range = { readonly type: string; readonly version: string | undefined; readonly weight: number };

const readRange = (range: string): Range => {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const valueOf = (name: string): string | undefined =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll('"', "");
  const weight = Number(valueOf("q") ?? 1);
  return { type, version: valueOf("version"), weight: Number.isFinite(weight) ? weight : 0 };
};
