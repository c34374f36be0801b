select * from {{ ref('int_marketo__cross_references') }}
