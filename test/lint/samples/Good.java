package com.example.crm;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Sends Do-Not-Calls; the address and the key come from the environment. */
public final class Good {
  private static final String GATEWAY = System.getenv("OCS_GATEWAY");
  private final HttpClient http = HttpClient.newHttpClient();

  boolean doNotCall(String phone, String key) throws Exception {
    String body = "{\"GSW_TENANT_NAME\":\"Alpha Tenant\",\"GSW_CHAIN_ATTR\":\"AllChain\"}";
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(String.format("%s/phones/%s?req=DoNotCall", GATEWAY, phone)))
            .header("Content-Type", "application/json")
            .header("X-Api-Key", key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() == 200;
  }

  void addAll(Iterable<String> phones) throws Exception {
    for (String phone : phones) {
      String body =
          """
          { "GSW_CAMPAIGN_NAME": "Alpha Campaign", "GSW_PHONE": "%s", "GSW_TZ_NAME": "PST" }
          """.formatted(phone);
      post(GATEWAY + "/lists/Alpha%20List?req=AddRecord", body);
    }
  }
}
