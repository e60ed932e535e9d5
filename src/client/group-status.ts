/** What `readStatus` resolves to, as OCS sends it. */

export type CampaignGroup = {
  readonly GSW_CM_AttrCampaignID: number;
  readonly GSW_CM_AttrGroupID: number;
  /** A value of GroupStatus. */
  readonly GSW_CM_AttrGroupCampStatus: number;
  readonly GSW_CM_AttrReferenceID?: number;
  /** A value of DialMode. OCS sends it and the following for groups that are active. */
  readonly GSW_CM_AttrDialMode?: number;
  readonly GSW_CM_AttrOptimizeBy?: number;
  readonly GSW_CM_AttrOptimizeGoal?: number;
  readonly GSW_CM_AttrProperties?: object;
  readonly GSW_SWITCH_DBID?: number;
};

export type OneGroup = CampaignGroup & { readonly GSW_CM_MessageType: 24 };

export type AllGroups = {
  readonly GSW_CM_MessageType: 46;
  /** By campaign@group: those that this client may see. */
  readonly CampaignGroups: Readonly<Record<string, CampaignGroup>>;
};
