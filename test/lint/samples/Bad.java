package com.example.crm;

import java.net.HttpURLConnection;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;

public class Bad {
  private static final String OCS = "http://ocs1.example.internal:8080";
  private static final String KEY = "sk_9dQ2mmT0aaZ1";

  void add(String phone) throws Exception {
    try {
      http.send(
          HttpRequest.newBuilder(URI.create(OCS + "/lists/Alpha%20List?req=AddRecord"))
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString("{\"GSW_PHONE\":\"" + phone + "\",\"GSW_TZ_NAME\":\"PST\"}"))
              .build(),
          BodyHandlers.ofString());
    } catch (IOException | InterruptedException error) {
      add(phone);
    }
  }

  void optOut(String phone) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) new URL(OCS + "/phones/" + phone + "?req=DoNotCall").openConnection();
    connection.setRequestMethod("POST");
    connection.setRequestProperty("Content-Length", "77");
    connection.getOutputStream().write("{\"GSW_CHAIN_ATTR\":\"AllChain\"}".getBytes());
  }

  void process(long handle) throws Exception {
    Map<String, Object> body = new HashMap<>();
    body.put("GSW_CALL_RESULT", "answered");
    body.put("GSW_TREATMNT", "RecordTreatCampaign");
    client.target(OCS + "/records/" + handle + "?req=RecordProcesed").request().post(Entity.json(body));
    client.target("https://ocs-gw.example.internal/records/" + handle + "?req=RecordProcessed").request().post(Entity.json(body));
  }
}
