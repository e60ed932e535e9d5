/** The collector of `telemetry.otlp`: does it accept connections? Nothing is sent. */
import { tryStream } from "../../../journal/receivers/send-stream.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row } from "./row.ts";

const TIMEOUT_MS = 5000;

export const telemetryRows = async ({ telemetry: { otlp } }: Pick<Settings, "telemetry">): Promise<Row[]> => {
  if (!otlp) return [];
  const { protocol, hostname, port, origin } = new URL(otlp.endpoint);
  const isSecure = protocol === "https:";
  try {
    const ca = otlp.ca === null ? undefined : (await readSmallFile(otlp.ca)).toString();
    const host = hostname.replace(/^\[|\]$/g, "");
    await tryStream(
      { host, port: Number(port) || (isSecure ? 443 : 80), tls: isSecure ? { ca } : undefined },
      TIMEOUT_MS,
    );
    return [{ name: "telemetry", state: "ok", says: [`${origin} accepts connections`] }];
  } catch (error) {
    return [{ name: "telemetry", state: "fail", says: [`${origin}: ${faultInWords(error)}`] }];
  }
};
