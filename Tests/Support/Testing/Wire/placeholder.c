/* replaced by proto/generate.sh */
