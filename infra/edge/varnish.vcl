# Rendered by infra/edge/varnish.py from infra/catalog/cdn.py: change it there.
vcl 4.1;

import std;

backend default {
    .host = "$backend_host";
    .port = "$backend_port";
    .connect_timeout = 5s;
    .first_byte_timeout = 20s;
    .between_bytes_timeout = 20s;
}

acl operators {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    # Nobody may choose a rule by a header.
    unset req.http.x-cdn-rule;
    unset req.http.x-edge-ttl;
    unset req.http.x-browser-ttl;
    set req.http.x-query = "";
    set req.http.x-path = regsub(req.url, "\?.*$$", "");

    if (req.http.x-path ~ "%") {
$decode
    }
    set req.http.x-path = regsub(regsuball(req.http.x-path, "(/\.)+/", "/"), "/\.$$", "/");
    if (req.http.x-path ~ "/\.\.") {
$climb
    }

    if (req.method == "PURGE" && client.ip !~ operators) {
        return (synth(405, "Method Not Allowed"));
    }
    if (req.method != "GET" && req.method != "HEAD" && req.method != "PURGE") {
        return (synth(405, "Method Not Allowed"));
    }
    if (req.http.x-path ~ "$odd" || req.http.x-path ~ "/\.\.?(/|$$)") {
        return (synth(404, "Not Found"));
    }
$rules
    if (!req.http.x-cdn-rule) {
        return (synth(404, "Not Found"));
    }
$query
    set req.url = req.http.x-path + regsub(req.http.x-query, "^&", "?");
    # Nothing of the caller reaches Supabase; ranges and conditions are answered here.
    unset req.http.cookie;
    unset req.http.authorization;
    unset req.http.accept-encoding;
    if (req.method == "PURGE") {
        return (purge);
    }
    return (hash);
}

sub vcl_hash {
    # The host is no part: all names of this server serve the same objects.
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_fetch {
    set bereq.http.host = "$origin_host";
    unset bereq.http.x-forwarded-for;
    unset bereq.http.x-path;
    unset bereq.http.x-query;
    unset bereq.http.referer;
    unset bereq.http.user-agent;
}

sub vcl_backend_response {
    if (beresp.status >= 500 || (beresp.status != 200 && beresp.status != 400 && beresp.status != 404)) {
        # 402 (the egress quota is used up) and the like are no answer to keep.
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        set beresp.status = 503;
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
        return (deliver);
    }
    if (beresp.status == 200) {
        # Set like this it counts from now, whatever age Supabase's CDN gives its copy.
        set beresp.ttl = std.duration(bereq.http.x-edge-ttl, 0s);
        set beresp.grace = ${stale_if_error_s}s;
        set beresp.http.cache-control = "public, max-age=" + bereq.http.x-browser-ttl;
    } else {
        # A missing object has status 400 at Supabase.
        set beresp.status = 404;
        set beresp.ttl = ${not_found_ttl_s}s;
        set beresp.grace = 0s;
        set beresp.http.cache-control = "public, max-age=0";
    }
    set beresp.http.x-cdn-rule = bereq.http.x-cdn-rule;
    set beresp.http.x-cdn-filled-at = now;
    unset beresp.http.age;
    unset beresp.http.set-cookie;
    unset beresp.http.vary;
    unset beresp.http.expires;
    unset beresp.http.x-robots-tag;
    unset beresp.http.cf-cache-status;
    unset beresp.http.cf-ray;
    return (deliver);
}

sub safe {
    set resp.http.content-security-policy = "$policy";
    set resp.http.x-content-type-options = "nosniff";
    unset resp.http.age;
    unset resp.http.via;
    unset resp.http.x-varnish;
}

sub vcl_deliver {
    set resp.http.access-control-allow-origin = "*";
    if (obj.hits > 0) {
        set resp.http.x-cdn-cache = "HIT";
    } else {
        set resp.http.x-cdn-cache = "MISS";
    }
    call safe;
}

sub vcl_synth {
    set resp.http.content-type = "text/plain; charset=utf-8";
    set resp.http.cache-control = "no-store";
    call safe;
    synthetic(resp.reason);
    return (deliver);
}
