// Written by proto/generate.sh.
