package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// isGenuine says whether the request was signed with key; a blank key would let anybody sign.
func isGenuine(header http.Header, body []byte, key string) bool {
	mac := func(content string) []byte {
		hash := hmac.New(sha256.New, []byte(key))
		io.WriteString(hash, content)
		return hash.Sum(nil)
	}
	decode := base64.RawURLEncoding.DecodeString
	parts := strings.Split(strings.TrimPrefix(header.Get("Authorization"), "Bearer "), ".")
	if key == "" || len(parts) != 3 {
		return false
	}
	signature, err := decode(parts[2])
	if err != nil || !hmac.Equal(signature, mac(parts[0]+"."+parts[1])) {
		return false
	}
	var head struct{ Alg string }
	var claims struct {
		Iss      string
		Aud      []string
		Nbf, Exp int64
	}
	for i, part := range []any{&head, &claims} {
		if text, err := decode(parts[i]); err != nil || json.Unmarshal(text, part) != nil {
			return false
		}
	}
	if head.Alg != "HS256" || claims.Iss != "api.httpsms.com" || len(claims.Aud) != 1 || claims.Aud[0] != callbackURL {
		return false
	}
	now, sentAt := time.Now().Unix(), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sentAt, 10, 64)
	if err != nil || seconds < now-300 || seconds > now+300 || now < claims.Nbf || now >= claims.Exp {
		return false
	}
	content := header.Get("webhook-id") + "." + sentAt + "." + string(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac(content))
	for _, one := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(one), []byte(expected)) {
			return true
		}
	}
	return false
}

// decrypt undoes AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase.
func decrypt(text string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) < aes.BlockSize {
		return "", errors.New("this is not encrypted text")
	}
	key := sha256.Sum256([]byte(passphrase))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return "", err
	}
	plain := data[aes.BlockSize:]
	cipher.NewCFBDecrypter(block, data[:aes.BlockSize]).XORKeyStream(plain, plain)
	return string(plain), nil
}
