#!/usr/bin/env bash
# Runs fuzz targets one after the other: fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
# The sanitizer is an option of nightly compilers; stable ones take it so.
export RUSTC_BOOTSTRAP=1
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
    local seconds=$1 target
    shift
    if (($# == 0)); then
        mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs)
        set -- "${targets[@]}"
    fi
    for target in "$@"; do
        echo "== $target"
        run "$target" "$seconds"
    done
}

run() {
    local target=$1 seconds=$2 dictionary longest folders=("fuzz/corpus/$1")
    case $target in
        saml_forged | jwt_forged) dictionary='' longest=256 ;;
        saml_* | xml_* | idp_*) dictionary=xml longest=32768 ;;
        app_request | form_json | jwk | jws | jwt_claims | passkey_* | strict_json | client_metadata) dictionary=json longest=8192 ;;
        smtp_reply) dictionary=smtp longest=1024 ;;
        *) dictionary=http longest=4096 ;;
    esac
    case $target in
        idp_metadata | saml_assertion | saml_response | xml_parse_c14n) folders+=(tests/fixtures/saml) ;;
    esac
    mkdir -p "${folders[@]}"
    if [[ -d fuzz/seeds/$target ]]; then folders+=("fuzz/seeds/$target"); fi
    nice -n 19 cargo fuzz run "$target" "${folders[@]}" -- \
        ${dictionary:+"-dict=fuzz/dictionaries/$dictionary.dict"} -max_len="$longest" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 -print_final_stats=1
}

main "$@"
