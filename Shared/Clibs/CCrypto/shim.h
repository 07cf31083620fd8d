#pragma once
// SHA-256's plain functions are marked for the day when OpenSSL takes its algorithms from
// providers only; they are the same code, without an object on the heap for each digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
