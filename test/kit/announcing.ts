/** What OCS posts to a gateway's callbacks before it dials a record. */
import { request as overHttp, type RequestOptions } from "node:http";
import { request as overHttps } from "node:https";

export type Posted = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

type Post = {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly options?: RequestOptions & { readonly ca?: string; readonly cert?: string; readonly key?: string };
};

/** Sends the body as it stands. Rejects when there is no answer. */
export const post = (
  url: string,
  { method = "POST", path = "/", body = "", headers = {}, options = {} }: Post = {},
): Promise<Posted> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? overHttps : overHttp;
    const request = send(
      new URL(path, url),
      { method, headers: { "Content-Length": String(Buffer.byteLength(body)), ...headers }, agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
        response.once("end", () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    request.once("error", reject).end(body);
  });

/** The properties of a record, as OCS sends them: texts and numbers as they come. */
export const record = (handle: number, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  GSW_RECORD_HANDLE: handle,
  GSW_CAMPAIGN_NAME: "Alpha Campaign",
  GSW_CAMPAIGN_GROUP_NAME: "Alpha Campaign@Alpha Agents",
  GSW_CAMPAIGN_GROUP_DBID: "106",
  GSW_CALLING_LIST: "Alpha List",
  GSW_PHONE: "4155550100",
  GSW_CALL_ATTEMPT_GUID: `attempt-${handle}`,
  GSW_ATTEMPTS: 1,
  ...over,
});

export const betaRecord = (handle: number, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
  record(handle, {
    GSW_CAMPAIGN_NAME: "Beta Campaign",
    GSW_CAMPAIGN_GROUP_NAME: "Beta Campaign@Beta Agents",
    GSW_CAMPAIGN_GROUP_DBID: 208,
    GSW_CALLING_LIST: "Beta List",
    ...over,
  });

export const announce = (
  url: string,
  properties: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> =>
  post(url, { body: JSON.stringify(properties), headers: { "Content-Type": "application/json", ...headers } });
