/**
 * Calls that the compiler must accept, and calls that it must refuse: tsc fails for an error that is not expected, and
 * for an expected one that does not occur. Nothing here is run.
 */
import {
  CallResult,
  DialMode,
  ocs,
  OptimizeBy,
  PhoneType,
  RecordType,
  type Client,
  type Result,
} from "ocs-gateway/client";

export const right = async (api: Client): Promise<void> => {
  await api.phones("4155550100").doNotCall();
  await api.phones("4155550100").doNotCall({ GSW_CHAIN_ATTR: "AllChain" }, { signal: AbortSignal.timeout(10) });
  await api.records(15).recordProcessed({ GSW_CALL_RESULT: CallResult.Answer, fields: { "First Name": "x", N: 7n } });
  await api.records("15").recordReschedule({ GSW_DATE_TIME: "12/12/2035 13:00", GSW_CALLBACK_TYPE: "Personal" });
  await api.lists("Alpha List").addRecord({
    GSW_CAMPAIGN_NAME: "Alpha Campaign",
    GSW_PHONE: "4155550100",
    GSW_TZ_NAME: "PST",
    GSW_PHONE_TYPE: PhoneType.Mobile,
    GSW_RECORD_TYPE: RecordType.General,
  });
  await api.campaignGroups(106).startDialing({ GSW_CM_AttrDialMode: DialMode.Preview });
  await api.campaignGroups(106).startDialing({
    GSW_CM_AttrDialMode: DialMode.Predict,
    GSW_CM_AttrOptimizeBy: OptimizeBy.BusyFactor,
    GSW_CM_AttrOptimizeGoal: 80,
    GSW_AUTO_COMPLETION: 1,
  });
  const one = await api.campaignGroups("106").readStatus();
  if (one.ok) one.value.GSW_CM_AttrGroupCampStatus.toFixed();
  const all = await api.campaignGroups().readStatus({ timeout: 1000 });
  if (all.ok) Object.keys(all.value.CampaignGroups);
};

/** The compiler asks for each origin, and knows what each has. */
export const read = (result: Result): string => {
  if (result.ok) return result.requestId;
  switch (result.origin) {
    case "ocs":
      return `${result.ocsError ?? result.status} ${result.reading}`;
    case "gateway":
      return result.repeat === "safe" ? `${result.code} ${result.retryAfter ?? 0}` : result.delivery;
    case "network":
      return `${result.reason} ${result.delivery}`;
  }
};

export const wrong = async (api: Client): Promise<void> => {
  // @ts-expect-error: a phone number is a text: leading zeros matter
  await api.phones(4155550100).doNotCall();
  // @ts-expect-error: no identifier
  await api.phones().doNotCall();
  // @ts-expect-error: the action is of another resource
  await api.phones("4155550100").load();
  // @ts-expect-error: a misspelt action
  await api.records(15).recordProceed();
  // @ts-expect-error: a misspelt attribute
  await api.records(15).recordProcessed({ GSW_CALL_RESLT: 33 });
  // @ts-expect-error: an attribute of another action
  await api.records(15).recordProcessed({ GSW_DATE_TIME: "12/12/2035 13:00" });
  // @ts-expect-error: a field beside the attributes
  await api.records(15).recordProcessed({ CUSTOMER_CODE: 22 });
  // @ts-expect-error: a name of OCS among the fields
  await api.records(15).recordProcessed({ fields: { GSW_CALL_RESULT: 33 } });
  // @ts-expect-error: a field that is no text and no number
  await api.records(15).recordProcessed({ fields: { DATE: new Date() } });
  // @ts-expect-error: a call result that does not exist
  await api.records(15).recordProcessed({ GSW_CALL_RESULT: 54 });
  // @ts-expect-error: a number as text
  await api.records(15).recordProcessed({ GSW_CALL_RESULT: "33" });
  // @ts-expect-error: a word that does not exist
  await api.phones("4155550100").doNotCall({ GSW_CHAIN_ATTR: "WholeChain" });
  // @ts-expect-error: no date
  await api.records(15).recordReschedule({});
  // @ts-expect-error: no body
  await api.records(15).recordReschedule();
  // @ts-expect-error: no campaign
  await api.lists("Alpha List").addRecord({ GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" });
  // @ts-expect-error: a predictive mode without what it optimizes
  await api.campaignGroups(106).startDialing({ GSW_CM_AttrDialMode: DialMode.Predict });
  // @ts-expect-error: a mode that no request may have
  await api.campaignGroups(106).setDialingMode({ GSW_CM_AttrDialMode: DialMode.NoDialMode });
  // @ts-expect-error: a campaign group has no fields
  await api.campaignGroups(106).load({ fields: { A: 1 } });
  // @ts-expect-error: all campaign groups can only be read
  await api.campaignGroups().load();
  const result = await api.campaignGroups().readStatus();
  // @ts-expect-error: no value unless it is ok
  Object.keys(result.value.CampaignGroups);
  // @ts-expect-error: only the gateway and the network have a delivery other than answered
  if (result.ok && result.delivery === "not-sent") return;
  // @ts-expect-error: only OCS has an error number
  if (!result.ok && result.origin === "gateway" && result.ocsError === 112) return;
  // @ts-expect-error: no gateway to send to
  ocs({ key: "k" });
  // @ts-expect-error: a misspelt option
  ocs({ baseUrl: "https://ocs-gw.example.internal:8443", apiKey: "k" });
};
